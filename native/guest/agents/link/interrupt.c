#define _GNU_SOURCE
#include "interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "link.h"

#define SENT_BY_TERMINAL 1u
#define SENT_BY_PROGRAM 2u

/* What the terminal's driver takes to raise the signal, many times over. */
#define SETTLE_NS 20000000

static volatile uint16_t running;
/* As `running`, until the cell has been reported. */
static uint16_t reporting;
/* The terminal's SIGINT has come since the last cell was reported. */
static volatile int came;
static pid_t agent;
/* Who has sent SIGINT since it was last looked at. Signals merge, so both may have. */
static volatile unsigned senders;
static void (*runtime_handler)(int);

static void handle_sigint(int number, siginfo_t *info, void *context) {
  (void)context;
  const unsigned sender = info->si_code == SI_KERNEL ? SENT_BY_TERMINAL : SENT_BY_PROGRAM;
  if (sender == SENT_BY_TERMINAL) came = 1;
  __atomic_fetch_or(&senders, sender, __ATOMIC_RELAXED);
  runtime_handler(number);
}

/* A forked child inherits the handler, but neither the ring nor the right. */
static void handle_sigtstp(int number) {
  (void)number;
  if (getpid() != agent) return;
  const int saved = errno;
  zb_interrupt_kill();
  errno = saved;
}

int zb_interrupt_open(void) {
  agent = getpid();
  struct sigaction action = {.sa_handler = handle_sigtstp, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  return sigaction(SIGTSTP, &action, NULL);
}

void zb_interrupt_wrap(void) {
  struct sigaction action;
  if (sigaction(SIGINT, NULL, &action) < 0) return;
  if ((action.sa_flags & SA_SIGINFO) != 0 || action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) return;
  runtime_handler = action.sa_handler;
  action.sa_sigaction = handle_sigint;
  action.sa_flags |= SA_SIGINFO;
  sigaction(SIGINT, &action, NULL);
}

void zb_interrupt_begin(uint16_t execution) { running = reporting = execution; }

void zb_interrupt_end(void) { running = 0; }

void zb_interrupt_settle(void) {
  if (reporting == 0 || came || zb_link_detached() || zb_link_control()->interrupt_execution != reporting) return;
  const struct timespec most = {.tv_nsec = SETTLE_NS};
  nanosleep(&most, NULL); /* the signal ends it */
}

void zb_interrupt_finish(void) {
  zb_interrupt_settle();
  reporting = 0;
  came = 0;
}

int zb_interrupt_due(void) {
  if (running == 0 || zb_link_detached()) return 0;
  const struct zb_ring_control *control = zb_link_control();
  return control->interrupt_execution == running && control->interrupt_seq != control->interrupt_seen;
}

int zb_interrupt_take(void) {
  const unsigned sent_by = __atomic_exchange_n(&senders, 0, __ATOMIC_RELAXED);
  if (running == 0) return 0;
  if (zb_link_detached()) return 1;
  if (zb_interrupt_due()) {
    zb_link_control()->interrupt_seen = zb_link_control()->interrupt_seq;
    return 1;
  }
  /* One of the terminal that is not due is late. Nobody's: the runtime raised it itself, for a program. */
  return sent_by != SENT_BY_TERMINAL;
}

void zb_interrupt_kill(void) {
  if (running == 0 || zb_link_detached()) return;
  struct zb_ring_control *control = zb_link_control();
  if (control->kill_execution != running) return;
  control->kill_execution = 0;
  kill(-1, SIGKILL);
}
