#define _GNU_SOURCE
#include "heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((uintptr_t)2 << 20)
#define PAGE_BYTES ((uintptr_t)4096)
/* As malloc(3) has it by default. */
#define MOST_MAPPINGS 65536
/* Of mappings without a file: Python's first arenas have 1 MiB, V8's areas less; larger ones are threads' stacks. */
#define LARGEST_TOUCHED ((uintptr_t)1 << 20)

void zb_heap_touch(void) {
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) return;
  char line[512];
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin, end;
    char rights[5], path[8] = "";
    if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %7s", &begin, &end, rights, path) < 3) continue;
    const int large = path[0] == '\0' && end - begin > LARGEST_TOUCHED;
    if (strcmp(rights, "rw-p") != 0 || large) continue;
    /* Kernels before 5.14 refuse, and lose nothing but that. */
    madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
  }
  fclose(maps);
}

void zb_heap_fill(size_t bytes) {
  /* Never a mapping of its own, which would be gone with free(). */
  mallopt(M_MMAP_MAX, 0);
  char *memory = malloc(bytes);
  mallopt(M_MMAP_MAX, MOST_MAPPINGS);
  if (memory == NULL) return;
  const uintptr_t begin = ((uintptr_t)memory + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
  const uintptr_t end = ((uintptr_t)memory + bytes) & ~(PAGE_BYTES - 1);
  const uintptr_t huge_begin = (begin + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
  const uintptr_t huge_end = end & ~(HUGE_BYTES - 1);
  if (huge_begin < huge_end) madvise((void *)huge_begin, huge_end - huge_begin, MADV_HUGEPAGE);
  madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
  free(memory);
}
