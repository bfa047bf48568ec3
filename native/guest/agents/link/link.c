#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#define WAKE_LINE "/dev/ttyS1"
#define PAGE 4096u
#define RING_MASK (ZB_TX_BYTES - 1u)

static volatile uint32_t *registers;
static uint8_t *ring;
static int wake_fd = -1;
static int detached;
/* A record is being written. */
static atomic_int busy;

struct zb_ring_control *zb_link_control(void) {
  return (struct zb_ring_control *)ring;
}

/* Aligned 32-bit accesses, nothing else: anything wider or narrower ends the VM. */
static uint32_t read_register(uint32_t offset) { return registers[offset / 4]; }
static void write_register(uint32_t offset, uint32_t value) { registers[offset / 4] = value; }

static int open_wake_line(void) {
  wake_fd = open(WAKE_LINE, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (wake_fd < 0) return -1;
  struct termios settings;
  if (tcgetattr(wake_fd, &settings) < 0) return -1;
  cfmakeraw(&settings);
  return tcsetattr(wake_fd, TCSANOW, &settings);
}

int zb_link_open(void) {
  /* Registers uncached, ring write-back: the open flag decides (drivers/char/mem.c). */
  const int uncached = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
  const int cached = open("/dev/mem", O_RDWR | O_CLOEXEC);
  if (uncached < 0 || cached < 0) return -1;
  /*
   * Between two pages of zeroes: a read of user code that goes a byte past its buffer (CPython's mmap.find() did,
   * gh-105235) must not be a read of a register, for which the host ends the VM.
   */
  uint8_t *around = mmap(NULL, ZB_LINK_MMIO_BYTES + 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (around == MAP_FAILED) return -1;
  void *page = mmap(around + PAGE, ZB_LINK_MMIO_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, uncached,
                    ZB_LINK_MMIO_GPA);
  if (page == MAP_FAILED) return -1;
  registers = page;
  if (read_register(ZB_REG_ID) != ZB_LINK_ID || read_register(ZB_REG_VERSION) != ZB_LINK_ABI_VERSION) {
    errno = EPROTO;
    return -1;
  }
  const off_t ring_gpa = (off_t)read_register(ZB_REG_RING_PFN) * PAGE;
  void *area = mmap(NULL, ZB_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, cached, ring_gpa);
  close(uncached);
  close(cached);
  if (area == MAP_FAILED) return -1;
  ring = area;
  /* Children of user code must not reach the link. */
  if (madvise(ring, ZB_RING_BYTES, MADV_DONTFORK) < 0) return -1;
  if (madvise(page, ZB_LINK_MMIO_BYTES, MADV_DONTFORK) < 0) return -1;
  return open_wake_line();
}

static void copy_in(uint32_t position, const void *data, size_t length) {
  const size_t offset = position & RING_MASK;
  const size_t first = length < ZB_TX_BYTES - offset ? length : ZB_TX_BYTES - offset;
  memcpy(ring + ZB_TX_OFFSET + offset, data, first);
  memcpy(ring + ZB_TX_OFFSET, (const uint8_t *)data + first, length - first);
}

static uint32_t free_bytes(void) {
  const struct zb_ring_control *control = zb_link_control();
  return ZB_TX_BYTES - (control->tx_head - __atomic_load_n(&control->tx_tail, __ATOMIC_ACQUIRE));
}

static void publish(uint8_t kind, uint8_t flags, uint16_t execution, const void *data, uint32_t length) {
  struct zb_ring_control *control = zb_link_control();
  const struct zb_record record = {.length = length, .kind = kind, .flags = flags, .execution = execution};
  const uint32_t head = control->tx_head;
  copy_in(head, &record, sizeof record);
  copy_in(head + (uint32_t)sizeof record, data, length);
  __atomic_store_n(&control->tx_head, head + (uint32_t)sizeof record + length, __ATOMIC_RELEASE);
  /* With a drain timer running on the host nobody needs a VM exit for this. */
  if (!__atomic_load_n(&control->tx_armed, __ATOMIC_ACQUIRE)) write_register(ZB_REG_DOORBELL, 1);
}

int zb_link_send_locked(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const void *data, size_t length,
                        int control, size_t *sent) {
  const uint32_t overhead = (uint32_t)sizeof(struct zb_record) + (control ? 0 : ZB_TX_RESERVE);
  size_t done = 0;
  int result = 0;
  do {
    uint32_t space = free_bytes();
    /* A short remainder waits for room for all of it; a long one takes what there is. */
    const size_t left = length - done;
    const uint32_t wanted = overhead + (uint32_t)(left < 1024 ? left : 1024);
    if (space < wanted) {
      space = read_register(ZB_REG_TX_SPACE);
      if (space == 0) {
        result = -1;
        errno = EINTR;
        break;
      }
      continue;
    }
    size_t n = left;
    if (n > space - overhead) n = space - overhead;
    if (n > ZB_MAX_GUEST_PAYLOAD) n = ZB_MAX_GUEST_PAYLOAD;
    const int last = done + n == length;
    /* A bundle's last record is the one that has nothing behind it, not each of its last part's. */
    const uint8_t unfinished = more == 0 ? flags : (uint8_t)((flags & ~ZB_PART_LAST_OF_BUNDLE) | more);
    publish(kind, last ? flags : unfinished, execution, (const uint8_t *)data + done, (uint32_t)n);
    done += n;
    if (last) break;
  } while (1);
  if (sent) *sent = done;
  return result;
}

int zb_link_try_lock(void) { return !atomic_exchange(&busy, 1); }

void zb_link_unlock(void) { busy = 0; }

int zb_link_send(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const void *data, size_t length,
                 int control, size_t *sent) {
  if (detached) {
    errno = EPIPE;
    return -1;
  }
  /* Taken only while a handler on another thread, which was preempted in it, is sending. */
  while (!zb_link_try_lock()) sched_yield();
  const int result = zb_link_send_locked(kind, flags, more, execution, data, length, control, sent);
  const int saved = errno;
  zb_link_unlock();
  errno = saved;
  return result;
}

uint32_t zb_link_poll(uint32_t reg) { return read_register(reg); }

const uint8_t *zb_link_received(void) { return ring + ZB_RX_OFFSET; }

int zb_link_wait(void) {
  char byte;
  const ssize_t n = read(wake_fd, &byte, 1);
  return n < 0 ? -1 : 0;
}

int zb_link_open_wake_line(void) { return open(WAKE_LINE, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC); }

void zb_link_end(uint32_t reason) {
  if (!detached) write_register(ZB_REG_AGENT_EXIT, reason);
  _exit(1);
}

void zb_link_detach(void) {
  detached = 1;
  busy = 0;
}

int zb_link_detached(void) { return detached; }
