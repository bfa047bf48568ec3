#define _GNU_SOURCE
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "link.h"

struct stream {
  int fd;
  uint8_t kind;
};

static struct stream streams[2] = {{-1, ZB_GUEST_STDOUT}, {-1, ZB_GUEST_STDERR}};
static volatile uint16_t current;
static volatile sig_atomic_t pending;
static uint8_t buffer[ZB_MAX_GUEST_PAYLOAD];

/* With the link's lock. */
static void move(void) {
  for (int i = 0; i < 2; i++) {
    ssize_t n;
    while ((n = read(streams[i].fd, buffer, sizeof buffer)) > 0) {
      size_t done = 0;
      /* Broken off by the host: the signal it raised is handled after this one; the bytes stay due. */
      while (done < (size_t)n) {
        size_t sent = 0;
        if (zb_link_send_locked(streams[i].kind, 0, 0, current, buffer + done, (size_t)n - done, 0, &sent) < 0 &&
            errno != EINTR) {
          return;
        }
        done += sent;
      }
    }
  }
}

/* What the link's lock keeps it from moving now is moved by whoever holds the lock, after that. */
static void move_pending(void) {
  while (pending && zb_link_try_lock()) {
    pending = 0;
    move();
    zb_link_unlock();
  }
}

static void handle_sigio(int number) {
  (void)number;
  if (zb_link_detached()) return;
  const int saved = errno;
  pending = 1;
  move_pending();
  errno = saved;
}

static int open_stream(struct stream *stream, int target) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  if (dup2(ends[1], target) < 0) return -1;
  close(ends[1]);
  if (fcntl(ends[0], F_SETOWN, getpid()) < 0) return -1;
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK | O_ASYNC) < 0) return -1;
  stream->fd = ends[0];
  return 0;
}

int zb_capture_open(void) {
  struct sigaction action = {.sa_handler = handle_sigio, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  if (sigaction(SIGIO, &action, NULL) < 0) return -1;
  if (open_stream(&streams[0], STDOUT_FILENO) < 0) return -1;
  return open_stream(&streams[1], STDERR_FILENO);
}

void zb_capture_execution(uint16_t execution) { current = execution; }

void zb_capture_settle(void) { move_pending(); }

void zb_capture_flush(void) {
  /* Makes a system call only if a stream holds something; the write raises SIGIO before it returns. */
  fflush(NULL);
  zb_capture_settle();
}
