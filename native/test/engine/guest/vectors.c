#include "vectors.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define XCR0_AVX 0x6u     /* SSE and AVX */
#define XCR0_AVX512 0xe6u /* and opmask, the upper halves of ZMM0-15, ZMM16-31 */
#define CPUID_OSXSAVE (1u << 27)
#define CPUID_7_ECX_OSPKE (1u << 4)
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_ROUNDING_SHIFT 13
/* Keys 0 and 1 stay as they are: key 0 is every page's. */
#define PKRU_MUST_BE_ZERO 0x3u

uint32_t usable_state(void) {
  uint32_t a, b, c, d;
  uint32_t state = 0;
  __cpuid(1, a, b, c, d);
  if (c & CPUID_OSXSAVE) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & XCR0_AVX) == XCR0_AVX) state |= STATE_AVX;
    if ((low & XCR0_AVX512) == XCR0_AVX512) state |= STATE_AVX512;
  }
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & CPUID_7_ECX_OSPKE)) state |= STATE_PKRU;
  return state;
}

/* splitmix64: every word of every pattern differs. */
static uint64_t next(uint64_t *seed) {
  uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void make_pattern(struct registers *pattern, uint32_t state, uint64_t seed) {
  memset(pattern, 0, sizeof *pattern);
  uint64_t words[8];
  for (int i = 0; i < 32; i++) {
    for (int k = 0; k < 8; k++) words[k] = next(&seed);
    memcpy(pattern->vector[i], words, sizeof words);
  }
  for (int i = 0; i < 8; i++) pattern->mask[i] = next(&seed);
  for (int i = 0; i < 8; i++) pattern->mmx[i] = next(&seed);
  pattern->mxcsr = MXCSR_DEFAULT | (uint32_t)((next(&seed) & 3) << MXCSR_ROUNDING_SHIFT);
  pattern->pkru = (state & STATE_PKRU) ? (uint32_t)next(&seed) & ~PKRU_MUST_BE_ZERO : 0;
}

#define EACH_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define EACH_16(X) EACH_8(X) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define EACH_32(X) \
  EACH_16(X) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)

/* rbx: pattern, rbp is left alone, r12: seen. 64 bytes per vector register, whatever its width. */
#define LOAD_XMM(n) "movdqu " #n "*64(%%rbx), %%xmm" #n "\n"
#define STORE_XMM(n) "movdqu %%xmm" #n ", " #n "*64(%%r12)\n"
#define LOAD_YMM(n) "vmovdqu " #n "*64(%%rbx), %%ymm" #n "\n"
#define STORE_YMM(n) "vmovdqu %%ymm" #n ", " #n "*64(%%r12)\n"
#define LOAD_ZMM(n) "vmovdqu64 " #n "*64(%%rbx), %%zmm" #n "\n"
#define STORE_ZMM(n) "vmovdqu64 %%zmm" #n ", " #n "*64(%%r12)\n"
#define LOAD_MASK(n) "kmovq 2048+" #n "*8(%%rbx), %%k" #n "\n"
#define STORE_MASK(n) "kmovq %%k" #n ", 2048+" #n "*8(%%r12)\n"
#define LOAD_MMX(n) "movq 2112+" #n "*8(%%rbx), %%mm" #n "\n"
#define STORE_MMX(n) "movq %%mm" #n ", 2112+" #n "*8(%%r12)\n"

_Static_assert(sizeof(((struct registers *)0)->vector) == 2048, "the offsets above");
_Static_assert(__builtin_offsetof(struct registers, mmx) == 2112, "the offsets above");
_Static_assert(__builtin_offsetof(struct registers, mxcsr) == 2176, "the offsets below");
_Static_assert(__builtin_offsetof(struct registers, pkru) == 2180, "the offsets below");

struct hold {
  const struct registers *pattern;
  struct registers *seen;
  long write_fd, read_fd;
  uint64_t spins;
  char byte;
};

/* r13: hold. The two system calls, or the spin. SYSCALL itself changes only rax, rcx and r11. */
#define HOLD                       \
  "cmpq $0, 16(%%r13)\n"           \
  "jl 2f\n"                        \
  "movq 16(%%r13), %%rdi\n"        \
  "leaq 40(%%r13), %%rsi\n"        \
  "movl $1, %%edx\n"               \
  "movl $1, %%eax\n" /* write */   \
  "syscall\n"                      \
  "movq 24(%%r13), %%rdi\n"        \
  "leaq 40(%%r13), %%rsi\n"        \
  "movl $1, %%edx\n"               \
  "xorl %%eax, %%eax\n" /* read */ \
  "syscall\n"                      \
  "jmp 3f\n"                       \
  "2: movq 32(%%r13), %%rcx\n"     \
  "1: decq %%rcx\n"                \
  "jnz 1b\n"                       \
  "3:\n"

_Static_assert(SYS_write == 1 && SYS_read == 0, "the numbers above");
_Static_assert(__builtin_offsetof(struct hold, write_fd) == 16 && __builtin_offsetof(struct hold, byte) == 40,
               "the offsets above");

#define LOAD_PKRU "xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n movl 2180(%%rbx), %%eax\n wrpkru\n"
#define STORE_PKRU "xorl %%ecx, %%ecx\n rdpkru\n movl %%eax, 2180(%%r12)\n"
/* Back to all keys open before anything else, and to what the ABI asks of x87 and MXCSR. */
#define RESET_PKRU "xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n xorl %%eax, %%eax\n wrpkru\n"

#define HOLD_ACROSS(name, load, store)                                                                               \
  static void name(struct hold *hold) {                                                                              \
    uint32_t mxcsr = MXCSR_DEFAULT;                                                                                  \
    register const struct registers *pattern __asm__("rbx") = hold->pattern;                                         \
    register struct registers *seen __asm__("r12") = hold->seen;                                                     \
    register struct hold *held __asm__("r13") = hold;                                                                \
    __asm__ volatile("ldmxcsr 2176(%%rbx)\n" EACH_8(LOAD_MMX) load HOLD store EACH_8(STORE_MMX)                    \
                     "stmxcsr 2176(%%r12)\n"                                                                       \
                     "emms\n"                                                                                      \
                     "ldmxcsr %[mxcsr]\n"                                                                          \
                     :                                                                                             \
                     : "r"(pattern), "r"(seen), "r"(held), [mxcsr] "m"(mxcsr)                                      \
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3",   \
                       "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",         \
                       "xmm14", "xmm15"); \
  }

HOLD_ACROSS(hold_sse, EACH_16(LOAD_XMM), EACH_16(STORE_XMM))
HOLD_ACROSS(hold_avx, EACH_16(LOAD_YMM), EACH_16(STORE_YMM) "vzeroupper\n")
HOLD_ACROSS(hold_avx512, EACH_32(LOAD_ZMM) EACH_8(LOAD_MASK), EACH_32(STORE_ZMM) EACH_8(STORE_MASK) "vzeroupper\n")
HOLD_ACROSS(hold_avx_pkru, EACH_16(LOAD_YMM) LOAD_PKRU, STORE_PKRU RESET_PKRU EACH_16(STORE_YMM) "vzeroupper\n")
HOLD_ACROSS(hold_avx512_pkru, EACH_32(LOAD_ZMM) EACH_8(LOAD_MASK) LOAD_PKRU,
            STORE_PKRU RESET_PKRU EACH_32(STORE_ZMM) EACH_8(STORE_MASK) "vzeroupper\n")

void hold_across(const struct registers *pattern, struct registers *seen, uint32_t state, int write_fd, int read_fd,
                 uint64_t spins) {
  struct hold hold = {
      .pattern = pattern, .seen = seen, .write_fd = write_fd, .read_fd = read_fd, .spins = spins, .byte = 'x'};
  memset(seen, 0, sizeof *seen);
  if (state & STATE_AVX512) {
    (state & STATE_PKRU) ? hold_avx512_pkru(&hold) : hold_avx512(&hold);
  } else if (state & STATE_AVX) {
    (state & STATE_PKRU) ? hold_avx_pkru(&hold) : hold_avx(&hold);
  } else {
    hold_sse(&hold);
  }
}

const char *first_difference(const struct registers *pattern, const struct registers *seen, uint32_t state) {
  static char name[32];
  const int vectors = (state & STATE_AVX512) ? 32 : 16;
  const size_t width = (state & STATE_AVX512) ? 64 : (state & STATE_AVX) ? 32 : 16;
  for (int i = 0; i < vectors; i++) {
    for (size_t k = 0; k < width; k++) {
      if (pattern->vector[i][k] == seen->vector[i][k]) continue;
      snprintf(name, sizeof name, "vector %d byte %zu", i, k);
      return name;
    }
  }
  for (int i = 0; i < 8; i++) {
    if ((state & STATE_AVX512) && pattern->mask[i] != seen->mask[i]) {
      snprintf(name, sizeof name, "k%d", i);
      return name;
    }
    if (pattern->mmx[i] != seen->mmx[i]) {
      snprintf(name, sizeof name, "mm%d", i);
      return name;
    }
  }
  if (pattern->mxcsr != seen->mxcsr) return "mxcsr";
  if ((state & STATE_PKRU) && pattern->pkru != seen->pkru) return "pkru";
  return NULL;
}
