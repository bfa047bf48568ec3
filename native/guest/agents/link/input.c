#define _GNU_SOURCE
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "link.h"

/*
 * The signal that moves bytes. Not SIGIO, which comes for every piece of captured output; and one that is ignored
 * where nobody handles it.
 */
#define MOVE_SIGNAL SIGURG
/* How long bytes that the agent did not read lie in the buffer. */
#define LEFTOVER_NS 10000000
#define PIPE_BYTES 0x10000u

/* ---- the stream ---- */

/*
 * The buffer is [start, end) of this. Fresh bytes are put at PIPE_BYTES when it is empty; what is taken back from the
 * pipe was in front of them once and fits there again.
 */
static uint8_t store[PIPE_BYTES + ZB_RX_BYTES];
static size_t start = PIPE_BYTES, end = PIPE_BYTES;
static uint16_t current;
static int is_open; /* the cell has input */
static int at_eof;  /* the host has sent its end */

/* The record that is arriving; it may be cut anywhere between two answers of the host. */
static struct zb_record arriving;
static size_t header_bytes, payload_left;

/* ---- the pipe ---- */

static int null_fd = -1, read_fd = -1, write_fd = -1;
static int take_back_fd = -1; /* another opening of the read end, which does not block */
static int used;              /* something has been written */
static int filled;            /* and may be there still */
static int asks_for_room;     /* the write end signals when there is room */
static int zero_is_pipe;      /* descriptor 0 is the read end */
static unsigned baseline_procs;
static int lowest_fd;

/* ---- the signal ---- */

static int wake_fd = -1;
static int wakes; /* the wake-up line signals */
static timer_t leftover_timer;
static atomic_int timer_armed, users, moving, due;

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* The same file at or above the lowest descriptor, or `fd` itself where there is no other. */
static int raised(int fd) {
  if (fd < 0 || fd >= lowest_fd) return fd;
  const int higher = fcntl(fd, F_DUPFD_CLOEXEC, lowest_fd);
  if (higher < 0) return fd;
  close(fd);
  return higher;
}

void zb_input_keep_above(int lowest) { lowest_fd = lowest; }

static int open_pipe(void) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  ends[0] = raised(ends[0]);
  ends[1] = raised(ends[1]);
  read_fd = ends[0];
  write_fd = ends[1];
  used = filled = 0;
  return fcntl(write_fd, F_SETFL, O_NONBLOCK);
}

/* Another opening of the pipe, whose end it is told by the flags. */
static int reopen_pipe(int flags) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", read_fd);
  return raised(open(path, flags | O_NONBLOCK | O_CLOEXEC));
}

/* Readers see the end of what is in it. */
static void close_write_end(void) {
  close_fd(&write_fd);
  asks_for_room = 0;
}

static void close_pipe(void) {
  if (zero_is_pipe) dup2(null_fd, STDIN_FILENO);
  zero_is_pipe = 0;
  close_write_end();
  close_fd(&take_back_fd);
  close_fd(&read_fd);
}

static int signal_from(int fd) { return fcntl(fd, F_SETOWN, getpid()) < 0 ? -1 : fcntl(fd, F_SETSIG, MOVE_SIGNAL); }

static void set_timer(long ns) {
  const struct itimerspec when = {.it_value = {.tv_nsec = ns}};
  /* Before, because on a busy machine its signal may have come and gone when the call returns. */
  timer_armed = 1;
  timer_settime(leftover_timer, 0, &when, NULL);
  if (ns == 0) timer_armed = 0;
}

static void append(const uint8_t *bytes, size_t length) {
  if (start == end) start = end = PIPE_BYTES;
  memcpy(store + end, bytes, length);
  end += length;
}

/* Records of input only: while a cell runs the host sends no others. Returns the bytes up to the record's end. */
static size_t take_arriving(const uint8_t *bytes, size_t length, int keep) {
  size_t used = 0;
  if (header_bytes < sizeof arriving) {
    used = sizeof arriving - header_bytes < length ? sizeof arriving - header_bytes : length;
    memcpy((uint8_t *)&arriving + header_bytes, bytes, used);
    header_bytes += used;
    if (header_bytes < sizeof arriving) return used;
    payload_left = arriving.length;
  }
  const size_t n = payload_left < length - used ? payload_left : length - used;
  keep = keep && is_open && !at_eof && arriving.kind == ZB_HOST_STDIN && arriving.execution == current;
  if (keep) append(bytes + used, n);
  payload_left -= n;
  if (payload_left == 0) {
    header_bytes = 0;
    if (keep && (arriving.flags & ZB_STDIN_EOF)) at_eof = 1;
  }
  return used + n;
}

void zb_input_feed(const uint8_t *records, size_t length) {
  while (length > 0) {
    const size_t used = take_arriving(records, length, 1);
    records += used;
    length -= used;
  }
}

size_t zb_input_leftover(const uint8_t *bytes, size_t length) {
  return header_bytes == 0 || length == 0 ? 0 : take_arriving(bytes, length, 0);
}

/* ---- towards descriptor 0 ---- */

static void ask_for_room(void) {
  if (asks_for_room) return;
  asks_for_room = signal_from(write_fd) == 0 && fcntl(write_fd, F_SETFL, O_NONBLOCK | O_ASYNC) == 0;
}

static void want_no_room(void) {
  if (!asks_for_room) return;
  fcntl(write_fd, F_SETFL, O_NONBLOCK);
  asks_for_room = 0;
}

/* Whether the buffer is empty now. Else the pipe is full and will signal. */
static int empty_buffer(void) {
  while (start < end) {
    const ssize_t n = write(write_fd, store + start, end - start);
    if (n > 0) {
      start += (size_t)n;
      used = filled = 1;
    } else if (asks_for_room) {
      return 0;
    } else {
      /* Once more after asking: whoever made room meanwhile has signalled nobody. */
      ask_for_room();
      if (!asks_for_room) return 0;
    }
  }
  return 1;
}

/* From the host to the pipe, as much as there is room for. Async-signal-safe. */
static void move(void) {
  zb_input_woken();
  while (write_fd >= 0 && empty_buffer()) {
    if (at_eof) {
      close_write_end();
      return;
    }
    const uint32_t n = zb_link_poll(ZB_REG_RX_TAKE);
    if (n == 0) {
      want_no_room();
      return;
    }
    zb_input_feed(zb_link_received(), n);
  }
}

/*
 * Bytes the host woke a waiting agent with are not touched here: they are read only for a cell with input that nobody
 * is using.
 */
static void handle_signal(int number) {
  (void)number;
  if (zb_link_detached()) return;
  const int saved = errno;
  timer_armed = 0;
  due = 1;
  /* Whoever is moving or using the stream looks at `due` when he is done. */
  while (due && !users && !atomic_exchange(&moving, 1)) {
    due = 0;
    if (is_open && !users) move();
    moving = 0;
  }
  errno = saved;
}

/* ---- the agent's calls ---- */

void zb_input_enter(void) {
  users++;
  /* A signal that came on another thread, which was preempted in it. */
  while (moving) sched_yield();
}

void zb_input_leave(void) {
  if (users > 1) {
    users--;
    return;
  }
  if (is_open && at_eof && start == end) close_write_end();
  users = 0;
  /* Soon, and not now: whoever reads line by line comes back at once. */
  if (is_open && write_fd >= 0 && (start < end || due) && !timer_armed) set_timer(LEFTOVER_NS);
}

int zb_input_open(void) {
  null_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  wake_fd = zb_link_open_wake_line();
  if (null_fd < 0 || wake_fd < 0 || signal_from(wake_fd) < 0) return -1;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = MOVE_SIGNAL};
  if (timer_create(CLOCK_MONOTONIC, &event, &leftover_timer) < 0) return -1;
  struct sigaction action = {.sa_handler = handle_signal, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  if (sigaction(MOVE_SIGNAL, &action, NULL) < 0) return -1;
  struct sysinfo info;
  if (sysinfo(&info) < 0) return -1;
  baseline_procs = info.procs;
  return open_pipe();
}

/* Whether nobody can have kept the read end: there is no process or thread that was not there in the template. */
static int is_alone(void) {
  struct sysinfo info;
  return sysinfo(&info) == 0 && info.procs <= baseline_procs;
}

void zb_input_end(void) {
  if (!is_open) return;
  zb_input_enter();
  is_open = 0;
  current = 0;
  due = 0;
  start = end = PIPE_BYTES;
  if (timer_armed) set_timer(0);
  /* A pipe that was used goes, with what is in it: readers that outlive the cell see its end. */
  if (used || write_fd < 0 || !is_alone()) close_pipe();
  /* Threads of the cell that still wait for input hold nothing any more. */
  users = 0;
}

void zb_input_begin(uint16_t execution, int has_input, const uint8_t *records, size_t length) {
  zb_input_end();
  if (!has_input) {
    if (zero_is_pipe) dup2(null_fd, STDIN_FILENO);
    zero_is_pipe = 0;
    return;
  }
  /* Without a pipe, when user code has used up all descriptors, the agent has input and its children have none. */
  if (read_fd >= 0 || open_pipe() == 0) zero_is_pipe = dup2(read_fd, STDIN_FILENO) == STDIN_FILENO;
  if (!wakes) wakes = fcntl(wake_fd, F_SETFL, O_NONBLOCK | O_ASYNC) == 0;
  zb_input_enter();
  current = execution;
  at_eof = 0;
  is_open = 1;
  zb_input_feed(records, length);
  zb_input_leave();
}

int zb_input_take_back(void) {
  if (!filled) return 0;
  if (take_back_fd < 0) take_back_fd = reopen_pipe(O_RDONLY);
  /* The stream has not ended for its other readers while a part of it is here. */
  if (write_fd < 0) write_fd = reopen_pipe(O_WRONLY);
  if (take_back_fd < 0 || write_fd < 0) return -1;
  size_t length = 0;
  while (length < start) {
    const ssize_t n = read(take_back_fd, store + length, start - length);
    if (n <= 0) {
      filled = 0;
      break;
    }
    length += (size_t)n;
  }
  memmove(store + start - length, store, length);
  start -= length;
  return 0;
}

const uint8_t *zb_input_take(size_t limit, int one_line, size_t *length) {
  if (start == end || limit == 0) return NULL;
  size_t n = end - start < limit ? end - start : limit;
  const uint8_t *bytes = store + start;
  const uint8_t *newline = one_line ? memchr(bytes, '\n', n) : NULL;
  if (newline != NULL) n = (size_t)(newline - bytes) + 1;
  start += n;
  *length = n;
  return bytes;
}

int zb_input_available(void) { return start < end; }

int zb_input_at_end(void) { return !is_open || at_eof; }

uint16_t zb_input_execution(void) { return current; }

int zb_input_wait(void) {
  /* Does not consume the byte: a thread that waits beyond its cell's end must not take another's. */
  struct pollfd line = {.fd = wake_fd, .events = POLLIN};
  return poll(&line, 1, -1) < 0 ? -1 : 0;
}

void zb_input_woken(void) {
  char bytes[64];
  while (read(wake_fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes) continue;
}

void zb_input_detach(void) { close_fd(&write_fd); }
