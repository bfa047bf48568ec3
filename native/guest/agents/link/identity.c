#define _GNU_SOURCE
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define TWISTER_WORDS 624u

static struct generator {
  uint32_t *words;
  int *position;
} generators[2];
static unsigned generator_count;
static char *machine_id;
static int random_fd = -1;

_Static_assert(ZB_IDENTITY_SEEDS_BYTES == 2 * TWISTER_WORDS * sizeof(uint32_t), "randomness for the whole states");
_Static_assert(ZB_IDENTITY_SEEDS_OFFSET + ZB_IDENTITY_SEEDS_BYTES == ZB_IDENTITY_MACHINE_OFFSET,
               "the machine id follows");

int zb_identity_open(void) {
  random_fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
  return random_fd < 0 ? -1 : 0;
}

int zb_identity_add_generator(uint32_t *words, int *position) {
  if (generator_count == sizeof generators / sizeof generators[0]) {
    errno = ENOSPC;
    return -1;
  }
  generators[generator_count++] = (struct generator){words, position};
  return 0;
}

void zb_identity_set_machine_id(char *text) { machine_id = text; }

/* Crediting alone does not rekey a generator that is already initialised, so it is told to (random(4), RNDRESEEDCRNG).
 */
static int reseed_kernel(const uint8_t *entropy) {
  struct {
    struct rand_pool_info info;
    uint8_t bytes[ZB_IDENTITY_ENTROPY_BYTES];
  } pool;
  pool.info.entropy_count = (int)sizeof pool.bytes * 8;
  pool.info.buf_size = (int)sizeof pool.bytes;
  memcpy(pool.bytes, entropy, sizeof pool.bytes);
  const int failed = ioctl(random_fd, RNDADDENTROPY, &pool) < 0 || ioctl(random_fd, RNDRESEEDCRNG) < 0;
  explicit_bzero(&pool, sizeof pool);
  return failed ? -1 : 0;
}

static int set_clock(const uint8_t *wall_clock) {
  uint64_t ns;
  memcpy(&ns, wall_clock, sizeof ns);
  const struct timespec now = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  return clock_settime(CLOCK_REALTIME, &now);
}

static void fill_generators(const uint8_t *seeds) {
  const size_t bytes = TWISTER_WORDS * sizeof(uint32_t);
  for (unsigned i = 0; i < generator_count; i++) {
    memcpy(generators[i].words, seeds + i * bytes, bytes);
    /* Used up, so that the next number is made of the new words. */
    *generators[i].position = (int)TWISTER_WORDS;
  }
}

static void fill_machine_id(const uint8_t *bits) {
  static const char digits[] = "0123456789abcdef";
  if (machine_id == NULL) return;
  for (unsigned i = 0; i < ZB_IDENTITY_MACHINE_BYTES; i++) {
    machine_id[2 * i] = digits[bits[i] >> 4];
    machine_id[2 * i + 1] = digits[bits[i] & 15];
  }
}

int zb_identity_take(int flags, const uint8_t *identity, size_t length) {
  if (length != ZB_IDENTITY_BYTES) {
    errno = EINVAL;
    return -1;
  }
  if (!(flags & ZB_IDENTITY_REKEYED) && reseed_kernel(identity) < 0) return -1;
  if (!(flags & ZB_IDENTITY_CLOCK_SET) && set_clock(identity + ZB_IDENTITY_ENTROPY_BYTES) < 0) return -1;
  fill_generators(identity + ZB_IDENTITY_SEEDS_OFFSET);
  fill_machine_id(identity + ZB_IDENTITY_MACHINE_OFFSET);
  return 0;
}
