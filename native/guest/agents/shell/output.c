#define _GNU_SOURCE
#include "bash.h"

#include "output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "descriptors.h"
#include "link.h"
#include "signals.h"

/* Of each stream; a line is written at once. */
#define BUFFER_BYTES 0x4000

static uint16_t owner;
static int muted;
static char *diverted;
static size_t diverted_left;

/*
 * All of it, or as much as the host wants: after an interrupt the cell ends, and what it has not sent until then is
 * dropped.
 */
static void send_all(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const char *data, size_t length,
                     int control) {
  size_t done = 0;
  for (;;) {
    size_t sent = 0;
    const int result = zb_link_send(kind, flags, more, execution, data + done, length - done, control, &sent);
    const int error = errno;
    zb_capture_settle();
    done += sent;
    if (result == 0 || error != EINTR) return;
    zb_shell_signals_handle();
    if (!control && interrupt_state) return;
  }
}

void zb_output_send(uint8_t kind, uint8_t flags, uint16_t execution, const void *data, size_t length) {
  if (!muted) send_all(kind, flags, ZB_PART_MORE, execution, data, length, 1);
}

/* What a stream of stdio expects: 0 with errno when it fails. */
static ssize_t write_descriptor(int fd, const char *data, size_t length) {
  size_t done = 0;
  while (done < length) {
    const ssize_t n = write(fd, data + done, length - done);
    if (n >= 0) {
      done += (size_t)n;
    } else if (errno != EINTR) {
      return 0;
    } else if (interrupt_state) {
      break;
    }
  }
  return (ssize_t)length;
}

static ssize_t write_stream(void *cookie, const char *data, size_t length) {
  const int fd = *(const int *)cookie;
  if (zb_link_detached()) return write_descriptor(fd, data, length);
  if (diverted != NULL) {
    const size_t n = length < diverted_left ? length : diverted_left;
    memcpy(diverted, data, n);
    diverted += n;
    diverted_left -= n;
    return (ssize_t)length;
  }
  const enum zb_descriptor what = zb_descriptors_what(fd);
  if (what != ZB_DESCRIPTOR_OUTPUT && what != ZB_DESCRIPTOR_ERROR) return write_descriptor(fd, data, length);
  if (!muted) send_all(what == ZB_DESCRIPTOR_OUTPUT ? ZB_GUEST_STDOUT : ZB_GUEST_STDERR, 0, 0, owner, data, length, 0);
  return (ssize_t)length;
}

static FILE *open_stream(const int *fd, char *buffer) {
  FILE *stream = fopencookie((void *)fd, "w", (cookie_io_functions_t){.write = write_stream});
  if (stream == NULL || setvbuf(stream, buffer, _IOLBF, BUFFER_BYTES) != 0) return NULL;
  return stream;
}

int zb_output_open(void) {
  static const int descriptors[] = {STDOUT_FILENO, STDERR_FILENO};
  static char buffers[2][BUFFER_BYTES];
  FILE *out = open_stream(&descriptors[0], buffers[0]);
  FILE *err = open_stream(&descriptors[1], buffers[1]);
  if (out == NULL || err == NULL) return -1;
  fflush(NULL);
  stdout = out;
  stderr = err;
  xtrace_set(-1, err);
  return 0;
}

void zb_output_own(uint16_t execution) {
  owner = execution;
  zb_capture_execution(execution);
}

void zb_output_divert(char *text, size_t size) {
  fflush(stdout);
  fflush(stderr);
  diverted = text;
  diverted_left = size;
}

void zb_output_mute(int is_muted) { muted = is_muted; }
