/*
 * What the agent uses of bash 5.2: its own headers, as Debian's bash-builtins has them for loadable builtins, and
 * declarations of what they leave out, though the program exports it.
 */
#ifndef ZEROBOOT_BASH_H
#define ZEROBOOT_BASH_H

#include <config.h>

#include <stdio.h>
#include <sys/types.h>

#include "bashtypes.h"

#include "builtins.h"
#include "shell.h"

#include "bashjmp.h"
#include "builtins/common.h"
#include "execute_cmd.h"
#include "jobs.h"
#include "quit.h"
#include "sig.h"
#include "unwind_prot.h"

/* ---- eval ---- */
extern int parse_and_execute_level, return_catch_flag, return_catch_value, sourcelevel;
extern int loop_level, breaking, continuing, funcnest, evalnest, sourcenest, executing_list, comsub_ignore_return;
extern int executing, indirection_level, read_but_dont_execute, expand_aliases, expaliases_flag, extended_glob;
extern int extglob_flag, default_buffered_input, no_exit_on_failed_exec;
extern void parse_and_execute_cleanup(int old_running_trap);
extern void reset_parser(void);
extern void unlink_fifo_list(void);
extern int close_buffered_fd(int fd);

/* ---- signals ---- */
extern sigset_t top_level_mask;

/* ---- traps ---- */
extern char *trap_list[];
extern int running_trap, trap_saved_exit_value;
extern int signal_is_trapped(int signal);
extern int first_pending_trap(void);
extern void restore_default_signal(int signal);
extern void restore_traps(void);
extern void initialize_signals(int again);

/* ---- variables that a fork gets anew ---- */
extern void sbrand(unsigned long seed);

/* ---- output ---- */
extern void xtrace_set(int fd, FILE *stream);

/* ---- commands ---- */
#define FS_EXECABLE 0x2
extern int find_reserved_word(char *token);
extern char *search_for_command(const char *name, int flags);
extern int file_status(const char *path);

/* ---- completion ---- */
extern int prog_completion_enabled;
extern void initialize_readline(void);
extern char _rl_find_completion_word(int *found_quote, int *delimiter);
extern char *rl_line_buffer;
extern int rl_point, rl_end, rl_completion_type, rl_attempted_completion_over, rl_filename_completion_desired;
extern int rl_filename_quoting_desired, rl_completion_suppress_quote, rl_completion_quote_character;
extern char **(*rl_attempted_completion_function)(const char *text, int start, int end);
extern char **rl_completion_matches(const char *text, char *(*generator)(const char *text, int state));
extern char *rl_filename_completion_function(const char *text, int state);

#endif
