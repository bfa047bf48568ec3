#define _GNU_SOURCE
#include "bash.h"

#include "cell.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "descriptors.h"
#include "input.h"
#include "interrupt.h"
#include "leave.h"
#include "link.h"
#include "output.h"
#include "signals.h"

static uint32_t execution_count;

/* ---- names: what error messages, $BASH_SOURCE, $FUNCNAME and $BASH_LINENO say of where a command stands ---- */

static ARRAY *stack(const char *name) {
  SHELL_VAR *variable = find_variable(name);
  return variable != NULL && array_p(variable) ? array_cell(variable) : NULL;
}

/* At the bottom, whatever functions that were left by a jump have put there. */
static void name_source(const char *name) {
  ARRAY *sources = stack("BASH_SOURCE");
  ARRAY *lines = stack("BASH_LINENO");
  ARRAY *functions = stack("FUNCNAME");
  if (sources == NULL || lines == NULL || functions == NULL) return;
  array_flush(sources);
  array_flush(lines);
  array_flush(functions);
  array_push(sources, (char *)name);
  array_push(lines, "0");
  array_push(functions, "main");
}

/* ---- evaluation ---- */

struct evaluation {
  const char *name;
  const char *source;
  int result;
};

static void evaluate(void *argument) {
  struct evaluation *volatile of = argument;
  name_source(of->name);
  return_catch_flag = sourcelevel = 1;
  if (setjmp_nosigs(return_catch) == 0) {
    of->result = parse_and_execute(savestring(of->source), of->name, SEVAL_RESETLINE | SEVAL_NOHIST | SEVAL_NOOPTIMIZE);
  } else {
    /* `return` outside of a function, as in a script that is sourced. */
    parse_and_execute_cleanup(-1);
    of->result = return_catch_value;
  }
  return_catch_flag = sourcelevel = 0;
}

/* As bash's own throw_to_top_level() does, for any way of leaving. */
static void clean_up(int jumped) {
  if (jumped) {
    while (parse_and_execute_level) parse_and_execute_cleanup(-1);
    reset_parser();
    restore_sigmask();
    unlink_fifo_list();
  }
  if (have_unwind_protects()) run_unwind_protects();
  if (variable_context) reset_local_contexts();
  if (temporary_env) dispose_used_env_vars();
  variable_context = 0;
  loop_level = continuing = breaking = funcnest = evalnest = sourcenest = 0;
  executing_list = comsub_ignore_return = return_catch_flag = sourcelevel = wait_intr_flag = 0;
  executing = executing_builtin = running_trap = indirection_level = 0;
  this_shell_builtin = NULL;
  interrupt_state = 0;
  terminating_signal = 0;
}

int zb_cell_guard(void (*work)(void *), void *argument) {
  const int jumped = setjmp_nosigs(top_level);
  if (jumped == 0) work(argument);
  /* A subshell that was thrown out of its own top level. */
  if (zb_link_detached()) exit(last_command_exit_value);
  clean_up(jumped);
  return jumped;
}

/* Whether that is how a shell ends, and not how a command of it does. */
static int is_exit(int jumped) { return jumped == EXITBLTIN || jumped == ERREXIT || jumped == FORCE_EOF; }

static int is_trap_command(const char *command) {
  return command != NULL && command != (char *)SIG_IGN && *command != '\0';
}

/* The shell does not end, but what was to be done at its end is done, once. */
static void run_exit_trap_once(void) {
  if (!signal_is_trapped(0) || !is_trap_command(trap_list[0])) return;
  char *command = savestring(trap_list[0]);
  const int exit_code = last_command_exit_value;
  restore_default_signal(0);
  trap_saved_exit_value = exit_code;
  running_trap = 1;
  struct evaluation of = {.name = "exit trap", .source = command};
  if (!is_exit(zb_cell_guard(evaluate, &of))) last_command_exit_value = exit_code;
  free(command);
}

struct outcome {
  int interrupted;
  int exit_code;
};

static struct outcome execute(const char *name, const char *source) {
  struct evaluation of = {.name = name, .source = source};
  const int jumped = zb_cell_guard(evaluate, &of);
  struct outcome outcome = {0, 0};
  if (jumped == 0) {
    outcome.exit_code = of.result & 0xff;
    /* Of a syntax error bash keeps a value for itself. */
    if (last_command_exit_value > 0xff) last_command_exit_value = outcome.exit_code;
    return outcome;
  }
  if (is_exit(jumped)) run_exit_trap_once();
  outcome.interrupted = !is_exit(jumped) && zb_shell_signals_interrupted();
  last_command_exit_value &= 0xff;
  outcome.exit_code = last_command_exit_value;
  return outcome;
}

/* ---- the cell ---- */

void zb_cell_report(uint16_t execution, int interrupted, int exit_code) {
  const struct zb_done done = {
      .status = interrupted      ? ZB_DONE_INTERRUPTED
                : exit_code != 0 ? ZB_DONE_ERROR
                                 : ZB_DONE_OK,
      .exit_code = interrupted ? 130 : exit_code,
      .execution_count = execution_count,
  };
  zb_output_send(ZB_GUEST_DONE, 0, execution, &done, sizeof done);
}

void zb_cell_run(uint16_t execution, const char *source, size_t length) {
  char name[32];
  snprintf(name, sizeof name, "<cell %u>", ++execution_count);
  char *text = xmalloc(length + 1);
  memcpy(text, source, length);
  text[length] = '\0';

  /* `set -n` would be the last command ever. */
  read_but_dont_execute = 0;
  zb_shell_signals_begin();
  zb_output_own(execution);
  zb_interrupt_begin(execution);
  zb_shell_signals_handle();
  zb_leave_begin();
  const struct outcome outcome = execute(name, text);
  zb_leave_end();
  zb_interrupt_end();
  free(text);

  fflush(stdout);
  fflush(stderr);
  zb_capture_settle();
  zb_descriptors_input(0);
  zb_input_end();
  zb_cell_report(execution, outcome.interrupted, outcome.exit_code);
  zb_interrupt_finish();
  zb_output_own(0);
}

void zb_cell_open(void) {
  /* The script's file: bash would look after its position at each fork. */
  if (default_buffered_input >= 0) close_buffered_fd(default_buffered_input);
  default_buffered_input = -1;
  clear_unwind_protect_list(0);
  clean_up(0);
  dollar_vars[0] = savestring("bash");
  expand_aliases = expaliases_flag = 1;
}

void zb_cell_forget(void) {
  execution_count = 0;
  last_command_exit_value = 0;
}
