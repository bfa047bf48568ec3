#define _GNU_SOURCE
#include "bash.h"

#include "signals.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "interrupt.h"
#include "link.h"

/* libc's own, under its other name. */
extern int __sigaction(int number, const struct sigaction *action, struct sigaction *old);

static int open;
/* What bash has installed for SIGINT. */
static void (*volatile wanted)(int) = sigint_sighandler;
static volatile sig_atomic_t interrupted;
/* A cell is about to be run. */
static int begins;

static void die_of(int number) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  __sigaction(number, &action, NULL);
  kill(getpid(), number);
}

/* Called by the wrapper in interrupt.c; the only handler of SIGINT that the kernel knows. */
static void handle_sigint(int number) {
  void (*handler)(int) = wanted;
  if (zb_link_detached()) {
    if (handler != SIG_IGN) die_of(number);
    return;
  }
  if (!zb_interrupt_take()) return;
  if (handler == SIG_IGN) return;
  interrupted = 1;
  handler(number);
}

/* Handled and not ignored, so that children have the default. */
static void survive(int number) {
  if (zb_link_detached()) die_of(number);
}

static int is_deadly(void (*handler)(int)) { return handler == SIG_DFL || handler == termsig_sighandler; }

static int answer_sigint(const struct sigaction *action, struct sigaction *old) {
  if (old != NULL) *old = (struct sigaction){.sa_handler = wanted};
  if (action != NULL) wanted = is_deadly(action->sa_handler) ? sigint_sighandler : action->sa_handler;
  return 0;
}

/* Stands in for libc's: bash and this library call it. */
int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  if (!open || zb_link_detached()) return __sigaction(number, action, old);
  switch (number) {
    case SIGINT:
      return answer_sigint(action, old);
    case SIGIO:
    case SIGURG:
    case SIGTSTP:
      if (old != NULL) *old = (struct sigaction){.sa_handler = SIG_DFL};
      return 0;
    case SIGHUP:
    case SIGPIPE:
    case SIGTERM:
      if (action != NULL && is_deadly(action->sa_handler)) {
        const struct sigaction instead = {.sa_handler = survive, .sa_flags = SA_RESTART};
        return __sigaction(number, &instead, old);
      }
  }
  return __sigaction(number, action, old);
}

/*
 * Stands in for libc's. Before it runs what it has read bash asks for the mask, in case it has to put it back. Between
 * cells that is the one of its top level, which is there without a system call.
 */
int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
  if (set == NULL && old != NULL && begins) {
    begins = 0;
    *old = top_level_mask;
    return 0;
  }
  return (int)syscall(SYS_rt_sigprocmask, how, set, old, _NSIG / 8);
}

void zb_shell_signals_open(void) {
  const struct sigaction action = {.sa_handler = handle_sigint};
  __sigaction(SIGINT, &action, NULL);
  zb_interrupt_wrap();
  open = 1;
  static const int deadly[] = {SIGHUP, SIGPIPE, SIGTERM};
  const struct sigaction by_default = {.sa_handler = SIG_DFL};
  for (unsigned i = 0; i < sizeof deadly / sizeof deadly[0]; i++) sigaction(deadly[i], &by_default, NULL);
}

void zb_shell_signals_handle(void) {
  if (zb_interrupt_due()) {
    zb_interrupt_settle();
    if (zb_interrupt_due()) handle_sigint(SIGINT);
  }
  zb_interrupt_kill();
}

void zb_shell_signals_begin(void) {
  interrupted = 0;
  begins = 1;
}

int zb_shell_signals_interrupted(void) { return interrupted; }

void zb_shell_signals_detach(void) {
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  if (wanted == SIG_IGN) __sigaction(SIGINT, &ignore, NULL);
}
