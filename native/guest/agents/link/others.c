#define _GNU_SOURCE
#include "others.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static DIR *processes;
static int threads_fd = -1;
/* Links of /proc/self/task with the agent's own threads: a directory's two, and one for each thread. */
static nlink_t links_alone;
static long own_pid;

int zb_others_open(void) {
  struct stat status;
  own_pid = getpid();
  processes = opendir("/proc");
  if (processes == NULL) return -1;
  threads_fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (threads_fd < 0 || fstat(threads_fd, &status) < 0) return -1;
  links_alone = status.st_nlink;
  return 0;
}

/* Threads of the kernel and processes that have ended have no program file. */
static int has_program(const char *pid) {
  char path[32];
  char target[1];
  if (snprintf(path, sizeof path, "%s/exe", pid) >= (int)sizeof path) return 1;
  return readlinkat(dirfd(processes), path, target, sizeof target) >= 0 || errno != ENOENT;
}

int zb_others_live(void) {
  struct stat status;
  if (fstat(threads_fd, &status) < 0 || status.st_nlink != links_alone) return 1;
  rewinddir(processes);
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(processes);
    if (entry == NULL) return errno != 0;
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    const long pid = strtol(entry->d_name, NULL, 10);
    if (pid != 1 && pid != own_pid && has_program(entry->d_name)) return 1;
  }
}
