#define _GNU_SOURCE
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STREAMS 3

static enum zb_descriptor known[STREAMS];
/* Inodes of pipes: nothing else has the same device. */
static struct stat output, error, input;
static int has_input, input_is_known;
static int originals[STREAMS] = {-1, -1, -1};
static int reserved[ZB_LOWEST_DESCRIPTOR];

static int same(const struct stat *a, const struct stat *b) { return a->st_dev == b->st_dev && a->st_ino == b->st_ino; }

/* Before descriptor 0 goes elsewhere: to be known again when it comes back. */
static void about_to_change(int fd) {
  if (fd == STDIN_FILENO && has_input && !input_is_known && known[fd] == ZB_DESCRIPTOR_INPUT) {
    input_is_known = fstat(fd, &input) == 0;
  }
  if (fd >= 0 && fd < STREAMS) known[fd] = ZB_DESCRIPTOR_UNKNOWN;
}

/* Stands in for libc's. */
int dup2(int from, int to) {
  about_to_change(to);
  return (int)syscall(SYS_dup2, from, to);
}

/* Stands in for libc's. */
int close(int fd) {
  about_to_change(fd);
  return (int)syscall(SYS_close, fd);
}

int zb_descriptors_reserve(void) {
  for (int fd = 0; fd < ZB_LOWEST_DESCRIPTOR; fd++) {
    reserved[fd] = fcntl(fd, F_GETFD) < 0;
    if (reserved[fd] && dup2(STDIN_FILENO, fd) < 0) return -1;
  }
  return 0;
}

void zb_descriptors_release(void) {
  for (int fd = 0; fd < ZB_LOWEST_DESCRIPTOR; fd++) {
    if (reserved[fd]) close(fd);
  }
}

int zb_descriptors_open(void) {
  for (int fd = 0; fd < STREAMS; fd++) {
    originals[fd] = fcntl(fd, F_DUPFD_CLOEXEC, ZB_LOWEST_DESCRIPTOR);
    if (originals[fd] < 0) return -1;
  }
  if (fstat(STDOUT_FILENO, &output) < 0) return -1;
  return fstat(STDERR_FILENO, &error);
}

void zb_descriptors_input(int is_input) {
  has_input = is_input;
  input_is_known = 0;
  known[STDIN_FILENO] = is_input ? ZB_DESCRIPTOR_INPUT : ZB_DESCRIPTOR_UNKNOWN;
}

enum zb_descriptor zb_descriptors_what(int fd) {
  if (known[fd] != ZB_DESCRIPTOR_UNKNOWN) return known[fd];
  const int saved = errno;
  struct stat status;
  if (fstat(fd, &status) < 0) {
    errno = saved;
    return ZB_DESCRIPTOR_UNKNOWN;
  }
  errno = saved;
  known[fd] = ZB_DESCRIPTOR_OTHER;
  if (same(&status, &output)) known[fd] = ZB_DESCRIPTOR_OUTPUT;
  if (same(&status, &error)) known[fd] = ZB_DESCRIPTOR_ERROR;
  if (has_input && input_is_known && same(&status, &input)) known[fd] = ZB_DESCRIPTOR_INPUT;
  return known[fd];
}

void zb_descriptors_restore(void) {
  for (int fd = 0; fd < STREAMS; fd++) dup2(originals[fd], fd);
}
