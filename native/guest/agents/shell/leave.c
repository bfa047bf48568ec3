#define _GNU_SOURCE
#include "bash.h"

#include "leave.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "link.h"

static int in_cell;
/* $SHLVL, which `exec` counts down. */
static int level;

void zb_leave_begin(void) {
  in_cell = 1;
  level = shell_level;
}

void zb_leave_end(void) { in_cell = 0; }

static int is_cell(void) { return in_cell && !zb_link_detached(); }

static void leave(int exit_code) {
  set_exit_status(exit_code);
  jump_to_top_level(EXITBLTIN);
}

/* Stands in for libc's. */
void exit(int status) {
  if (is_cell()) leave(status & 0xff);
  static void (*end_process)(int) __attribute__((noreturn));
  if (end_process == NULL) *(void **)&end_process = dlsym(RTLD_NEXT, "exit");
  end_process(status);
}

static int wait_for_program(pid_t child) {
  int status;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return EX_NOTFOUND;
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * Stands in for libc's. In a cell only the builtin `exec` comes here, all other programs are started in children; it
 * gets one too, and with the child's end the cell ends as the shell would have.
 */
int execve(const char *path, char *const arguments[], char *const environment[]) {
  if (!is_cell()) return (int)syscall(SYS_execve, path, arguments, environment);
  /* Or bash would take notice of the child first. */
  sigset_t children, before;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, &before);
  const pid_t child = fork();
  if (child <= 0) {
    sigprocmask(SIG_SETMASK, &before, NULL);
    return child < 0 ? -1 : (int)syscall(SYS_execve, path, arguments, environment);
  }
  const int exit_code = wait_for_program(child);
  sigprocmask(SIG_SETMASK, &before, NULL);
  /* What `exec` has undone for the program's sake; it has made its redirections last. */
  zb_descriptors_restore();
  adjust_shell_level(level - shell_level);
  initialize_signals(1);
  restore_traps();
  if (interrupt_state) throw_to_top_level();
  /* The trap on exit is the program's no more. */
  set_exit_status(exit_code);
  jump_to_top_level(EXITPROG);
}
