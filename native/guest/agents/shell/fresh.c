#define _GNU_SOURCE
#include "bash.h"

#include "fresh.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "identity.h"

#define MACHINE_ID "/run/machine-id" /* where /etc/machine-id leads */

int zb_fresh_open(void) {
  char text[2 * ZB_IDENTITY_MACHINE_BYTES + 1];
  memset(text, '0', sizeof text - 1);
  text[sizeof text - 1] = '\n';
  const int fd = open(MACHINE_ID, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, text, sizeof text) != (ssize_t)sizeof text) return -1;
  /* As memory, so that a fork gets its own without a system call. */
  void *view = mmap(NULL, sizeof text, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (view == MAP_FAILED) return -1;
  zb_identity_set_machine_id(view);
  return zb_identity_open();
}

int zb_fresh_take(int flags, const uint8_t *identity, size_t length) {
  if (zb_identity_take(flags, identity, length) < 0) return -1;
  uint32_t seed;
  memcpy(&seed, identity + ZB_IDENTITY_SEEDS_OFFSET, sizeof seed);
  sbrand(seed);
  bind_variable("SECONDS", "0", 0);
  return 0;
}
