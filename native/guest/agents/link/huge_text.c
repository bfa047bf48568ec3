#define _GNU_SOURCE
#include "huge_text.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_BYTES ((uintptr_t)2 << 20)

struct range {
  uintptr_t begin;
  uintptr_t end;
};

/* Linux offers them, always or to who asks (Documentation/admin-guide/mm/transhuge.rst). */
static int are_offered(void) {
  char text[64] = "";
  FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
  if (file == NULL) return 0;
  const int read = fgets(text, sizeof text, file) != NULL;
  fclose(file);
  return read && strstr(text, "[never]") == NULL;
}

/* From the program's first mapping to the end of the last one that follows without a gap and cannot be written. */
static struct range find_text(void) {
  struct range found = {0, 0};
  char program[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  FILE *maps = length < 0 ? NULL : fopen("/proc/self/maps", "re");
  if (maps == NULL) return found;
  program[length] = '\0';
  char line[PATH_MAX + 128];
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin, end;
    char rights[5];
    int path_at = 0;
    if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %n", &begin, &end, rights, &path_at) < 3 || path_at == 0) continue;
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line + path_at, program) != 0 || rights[1] == 'w') continue;
    if (found.end != 0 && found.end != begin) break;
    if (found.begin == 0) found.begin = begin;
    found.end = end;
  }
  fclose(maps);
  return found;
}

/* A copy of [begin, begin + length) that begins at a multiple of 2 MiB. NULL with errno set when there is none. */
static void *copy_to_huge_pages(uintptr_t begin, size_t length) {
  const size_t reserved = length + HUGE_BYTES;
  char *reservation = mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reservation == MAP_FAILED) return NULL;
  char *copy = (char *)(((uintptr_t)reservation + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
  const size_t before = (size_t)(copy - reservation);
  if (before > 0) munmap(reservation, before);
  if (reserved > before + length) munmap(copy + length, reserved - before - length);
  if (madvise(copy, length, MADV_HUGEPAGE) < 0) {
    munmap(copy, length);
    return NULL;
  }
  memcpy(copy, (const void *)begin, length);
  return copy;
}

int zb_huge_text(void) {
  if (!are_offered()) return 0;
  const struct range text = find_text();
  const uintptr_t begin = (text.begin + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
  const uintptr_t end = text.end & ~(HUGE_BYTES - 1);
  if (text.begin == 0 || begin >= end) return 0;
  const size_t length = end - begin;
  void *copy = copy_to_huge_pages(begin, length);
  if (copy == NULL) return -1;
  /* One mapping has one set of rights, and a huge page lies in one mapping: constants may be executed, too. */
  if (mprotect(copy, length, PROT_READ | PROT_EXEC) < 0 ||
      mremap(copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)begin) == MAP_FAILED) {
    munmap(copy, length);
    return -1;
  }
  return (int)(length / HUGE_BYTES);
}
