/*
 * All the register state a processor may switch lazily or forget: x87/MMX, XMM/YMM, ZMM, opmask, PKRU, MXCSR.
 *
 * hold_across() is what the tests stand on: in one piece of assembly it loads every register, makes system
 * calls (or computes, to be preempted), and stores every register, so that no compiled code comes between.
 */
#ifndef ENGINE_TEST_VECTORS_H
#define ENGINE_TEST_VECTORS_H

#include <stdint.h>

/* Components beyond x87 and SSE that this guest may use: bits of XCR0, and PKRU where the kernel enabled it. */
#define STATE_AVX 0x1u
#define STATE_AVX512 0x2u
#define STATE_PKRU 0x4u
uint32_t usable_state(void);

struct registers {
  uint8_t vector[32][64]; /* zmm0-31; of ymm and xmm only the low part is used */
  uint64_t mask[8];       /* k0-k7 */
  uint64_t mmx[8];
  uint32_t mxcsr;
  uint32_t pkru;
} __attribute__((aligned(64)));

/* Fills `pattern` with values that belong to `seed` alone. */
void make_pattern(struct registers *pattern, uint32_t state, uint64_t seed);

/*
 * Loads `pattern`, writes a byte to `write_fd`, reads one from `read_fd` and stores the registers into `seen`.
 * With write_fd < 0 it spins for `spins` rounds instead, for the timer to preempt it.
 */
void hold_across(const struct registers *pattern, struct registers *seen, uint32_t state, int write_fd, int read_fd,
                 uint64_t spins);

/* The name of the first register that differs, or NULL. */
const char *first_difference(const struct registers *pattern, const struct registers *seen, uint32_t state);

#endif
