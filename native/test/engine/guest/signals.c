#define _GNU_SOURCE
#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* Room for the frame of any processor: AVX-512's and AMX's are 3 and 11 KiB. */
#define STACK_BYTES (64 * 1024)

static void do_nothing(int number) { (void)number; }

static uint8_t expected_byte(size_t i) { return (uint8_t)(i * 31 + (i >> 8) + 7); }

static int differs(const volatile uint8_t *stack) {
  for (size_t i = 0; i < STACK_BYTES; i++) {
    if (stack[i] != expected_byte(i)) return 1;
  }
  return 0;
}

int signal_in_child(void) {
  static const int rounds = 100;
  /* A part of this process's stack, of which both hold the same pages after fork(). */
  uint8_t stack[STACK_BYTES] __attribute__((aligned(64)));
  for (size_t i = 0; i < STACK_BYTES; i++) stack[i] = expected_byte(i);
  const stack_t alternate = {.ss_sp = stack, .ss_size = STACK_BYTES};
  struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_ONSTACK};
  if (sigaltstack(&alternate, NULL) < 0 || sigaction(SIGUSR1, &action, NULL) < 0) return 1;
  for (int round = 0; round < rounds; round++) {
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      /* The kernel writes the frame, registers included, where this process has not written yet. */
      raise(SIGUSR1);
      /* What makes the test mean something: here the frame was written. */
      _exit(differs(stack) ? 0 : 2);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) {
      printf("round %d: the child ended with status %#x\n", round, (unsigned)status);
      return 1;
    }
    if (differs(stack)) {
      printf("round %d: the child's signal frame is on the parent's stack\n", round);
      return 1;
    }
  }
  printf("%d children\n", rounds);
  return 0;
}

/* Offsets within the XSAVE area (Intel SDM volume 1, 13.4): the header follows the 512 bytes of FXSAVE. */
#define XSAVE_MXCSR 24
#define FXSAVE_XSTATE_SIZE 480 /* how much of it there is: xstate_size of the kernel's struct _fpx_sw_bytes */
#define XSAVE_HEADER 512
#define XSAVE_XCOMP_BV 8
#define XSAVE_RESERVED 16 /* bytes 8 to 23 must be zero; the standard form does not look at the rest */

enum damage { DAMAGE_XSTATE_BV, DAMAGE_XCOMP_BV, DAMAGE_RESERVED, DAMAGE_MXCSR, DAMAGE_POINTER, DAMAGE_STACK, DAMAGES };
static const char *const damage_names[] = {"XSTATE_BV", "XCOMP_BV", "reserved header bytes",
                                           "MXCSR",     "pointer",  "stack pointer"};
static enum damage current;
static void *unmapped;

/* For the parent: the frame has no XSAVE header to damage, because the kernel does not use XSAVE. */
#define NO_HEADER 3

static void damage_frame(int number, siginfo_t *info, void *frame) {
  (void)number;
  (void)info;
  ucontext_t *context = frame;
  uint8_t *area = (uint8_t *)context->uc_mcontext.fpregs;
  const uint64_t ones = ~UINT64_C(0);
  const uint32_t reserved_mxcsr = 0xffffffffu;
  uint32_t bytes;
  memcpy(&bytes, area + FXSAVE_XSTATE_SIZE, sizeof bytes);
  if (current <= DAMAGE_RESERVED && bytes <= XSAVE_HEADER) {
    _exit(NO_HEADER);
  }
  switch (current) {
    case DAMAGE_XSTATE_BV:
      memcpy(area + XSAVE_HEADER, &ones, sizeof ones);
      break;
    case DAMAGE_XCOMP_BV:
      memcpy(area + XSAVE_HEADER + XSAVE_XCOMP_BV, &ones, sizeof ones);
      break;
    case DAMAGE_RESERVED:
      memcpy(area + XSAVE_HEADER + XSAVE_RESERVED, &ones, sizeof ones);
      break;
    case DAMAGE_MXCSR:
      memcpy(area + XSAVE_MXCSR, &reserved_mxcsr, sizeof reserved_mxcsr);
      break;
    case DAMAGE_POINTER:
      context->uc_mcontext.fpregs = unmapped;
      break;
    default:
      /* rt_sigreturn(2) from where no frame is. */
      __asm__ volatile("movq %0, %%rsp\n movl $15, %%eax\n syscall" : : "r"(unmapped) : "memory");
  }
}

int corrupt_frames(void) {
  unmapped = mmap(NULL, STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (unmapped == MAP_FAILED) return 1;
  struct sigaction action = {.sa_sigaction = damage_frame, .sa_flags = SA_SIGINFO};
  if (sigaction(SIGUSR1, &action, NULL) < 0) return 1;
  for (current = 0; current < DAMAGES; current++) {
    const pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) {
      raise(SIGUSR1);
      _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) return 1;
    const int faulted = WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
    const int no_header = WIFEXITED(status) && WEXITSTATUS(status) == NO_HEADER;
    printf("%s: %s\n", damage_names[current], faulted ? "SIGSEGV" : no_header ? "no such field" : "no SIGSEGV");
  }
  return 0;
}
