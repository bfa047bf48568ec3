#include "limit.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Of what the guest has to give, in percent. The rest is the kernel's, and that of files in memory. */
#define SHARE 90
/* The stack of the main thread, as everywhere; init made it small. */
#define STACK_BYTES (8u << 20)

/* A line "Name:  123 kB" of a file in /proc, in bytes; 0 if there is none. */
static rlim_t field(const char *path, const char *format) {
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  char line[256];
  unsigned long kilobytes = 0;
  while (fgets(line, sizeof line, file) != NULL && sscanf(line, format, &kilobytes) != 1) continue;
  fclose(file);
  return (rlim_t)kilobytes << 10;
}

int zb_limit_open(void) {
  const struct rlimit stack = {.rlim_cur = STACK_BYTES, .rlim_max = RLIM_INFINITY};
  if (setrlimit(RLIMIT_STACK, &stack) < 0) return -1;
  const rlim_t taken = field("/proc/self/status", "VmData: %lu");
  const rlim_t available = field("/proc/meminfo", "MemAvailable: %lu");
  if (available == 0) return -1;
  /* The hard limit stays: who knows better may raise the soft one. */
  const struct rlimit data = {.rlim_cur = taken + available / 100 * SHARE, .rlim_max = RLIM_INFINITY};
  return setrlimit(RLIMIT_DATA, &data);
}
