/*
 * PID 1 of a guest: makes the root writable, starts the agent on the console, reaps, and tells the host
 * how the agent ended.
 *
 * Static, because it runs before anything else and one system call costs 0.3 ms where the guest's
 * kernel is emulated: no shell, no library loading, nothing done twice.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "link_abi.h"

#define AGENT "/usr/lib/zeroboot/start"
#define CONSOLE "/dev/ttyS0"
/*
 * Of the agent's threads. glibc takes the limit a program starts with as the size of each further thread's stack; the
 * usual 8 MiB for each would soon use up the agent's RLIMIT_DATA, though nearly all of it is never touched. The agent
 * raises the limit to the usual for its main thread and for its children.
 */
#define THREAD_STACK (2u << 20)
#define SYSLOG_ACTION_READ_ALL 3
#define SYSLOG_ACTION_SIZE_BUFFER 10

static void fail(const char *what) {
  char line[160];
  const int n = snprintf(line, sizeof line, "init: %s: %s\n", what, strerror(errno));
  if (write(STDERR_FILENO, line, (size_t)n) < 0) _exit(1);
  _exit(1); /* PID 1 leaving is a kernel panic, which the host sees */
}

static void must(int result, const char *what) {
  if (result < 0) fail(what);
}

static void mount_or_fail(const char *source, const char *target, const char *type, unsigned long flags,
                          const char *data) {
  must(mount(source, target, type, flags, data), target);
}

/* The image is read-only and shared by every VM; a tmpfs over it takes the writes. */
static void make_root_writable(void) {
  mount_or_fail("tmpfs", "/mnt", "tmpfs", MS_NOSUID, "mode=0755");
  must(mkdir("/mnt/upper", 0755), "/mnt/upper");
  must(mkdir("/mnt/work", 0700), "/mnt/work");
  must(mkdir("/mnt/root", 0755), "/mnt/root");
  mount_or_fail("overlay", "/mnt/root", "overlay", 0, "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work");
  must(chdir("/mnt/root"), "/mnt/root");
  mount_or_fail("devtmpfs", "dev", "devtmpfs", MS_NOSUID, "mode=0755");
  mount_or_fail(".", "/", NULL, MS_MOVE, NULL);
  must(chroot("."), "chroot");
  must(chdir("/"), "/");
}

static void mount_file_systems(void) {
  mount_or_fail("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  mount_or_fail("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  mount_or_fail("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  mount_or_fail("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
  must(mkdir("/dev/pts", 0755), "/dev/pts");
  must(mkdir("/dev/shm", 01777), "/dev/shm");
  mount_or_fail("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666");
  mount_or_fail("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
}

/* What programs expect beside the device nodes the kernel makes. */
static void link_descriptors(void) {
  must(symlink("/proc/self/fd", "/dev/fd"), "/dev/fd");
  must(symlink("/proc/self/fd/0", "/dev/stdin"), "/dev/stdin");
  must(symlink("/proc/self/fd/1", "/dev/stdout"), "/dev/stdout");
  must(symlink("/proc/self/fd/2", "/dev/stderr"), "/dev/stderr");
}

static void bring_loopback_up(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return; /* a kernel without INET: nothing to bring up */
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  must(ioctl(fd, SIOCSIFFLAGS, &request), "loopback");
  close(fd);
}

static void write_file(const char *path, const char *text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, text, strlen(text)) < 0) fail(path);
  close(fd);
}

/*
 * Huge pages for who asks for them (numpy does, for large arrays) and only where one is free: no compacting of
 * memory, and no daemons that wake an idle guest to look for more. Linux turns them off by itself in a machine with
 * less than 512 MiB.
 */
static void set_huge_pages(void) {
  write_file("/sys/kernel/mm/transparent_hugepage/defrag", "never");
  write_file("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "4294967295");
  write_file("/sys/kernel/mm/transparent_hugepage/khugepaged/alloc_sleep_millisecs", "4294967295");
  write_file("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
  write_file("/proc/sys/vm/compaction_proactiveness", "0");
}

/*
 * The console is the agent's controlling terminal: a Ctrl-C byte from the host becomes SIGINT for its
 * foreground process group. No echo and no line editing: nobody types here.
 */
static void take_console(void) {
  must(setsid(), "setsid");
  const int fd = open(CONSOLE, O_RDWR | O_CLOEXEC);
  must(fd, CONSOLE);
  must(ioctl(fd, TIOCSCTTY, 0), "TIOCSCTTY");
  struct termios settings;
  must(tcgetattr(fd, &settings), "tcgetattr");
  settings.c_lflag = ISIG;
  settings.c_iflag = 0;
  must(tcsetattr(fd, TCSANOW, &settings), "tcsetattr");
  close(fd);
  /* Not the console: a program that reads standard input sees its end, not the host's Ctrl-C. */
  const int null = open("/dev/null", O_RDONLY);
  must(null, "/dev/null");
  must(dup2(null, STDIN_FILENO), "dup2");
  close(null);
}

/*
 * How glibc's malloc of the agent is to get memory; the agent keeps it from its children. All threads share one heap,
 * since there is one processor. It grows by huge pages, which cost one fault where there were 512 and a fork(2) next
 * to nothing, keeps what was freed, and has also what by default would be a mapping of its own, 128 KiB and more.
 * See "Memory Allocation Tunables" in glibc's manual; other C libraries know nothing of it.
 */
#define HEAP                              \
  "GLIBC_TUNABLES="                       \
  "glibc.malloc.arena_max=1:"             \
  "glibc.malloc.hugetlb=1:"               \
  "glibc.malloc.mmap_threshold=16777216:" \
  "glibc.malloc.trim_threshold=67108864"

static void start_agent(void) {
  static char *const arguments[] = {(char *)AGENT, NULL};
  static char *const environment[] = {
      (char *)"PATH=/usr/local/bin:/usr/bin:/bin",
      (char *)"HOME=/root",
      (char *)"USER=root",
      (char *)"LANG=C.UTF-8",
      (char *)"TERM=dumb",
      (char *)"SHELL=/bin/sh",
      (char *)"TMPDIR=/tmp",
      (char *)"PWD=/root",
      (char *)HEAP,
      NULL,
  };
  take_console();
  const struct rlimit stack = {.rlim_cur = THREAD_STACK, .rlim_max = RLIM_INFINITY};
  must(setrlimit(RLIMIT_STACK, &stack), "RLIMIT_STACK");
  write_file("/proc/self/oom_score_adj", "0");
  must(chdir("/root"), "/root");
  execve(AGENT, arguments, environment);
  fail(AGENT);
}

/* What the kernel says when it kills a process for want of memory (mm/oom_kill.c). Not our word: anybody may log it. */
static int killed_for_memory(pid_t pid) {
  const int size = klogctl(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0);
  if (size <= 0) return 0;
  char *text = malloc((size_t)size + 1);
  if (text == NULL) return 0;
  const int length = klogctl(SYSLOG_ACTION_READ_ALL, text, size);
  text[length < 0 ? 0 : length] = '\0';
  char line[64];
  snprintf(line, sizeof line, "Out of memory: Killed process %d (", (int)pid);
  return strstr(text, line) != NULL;
}

static uint32_t exit_value(pid_t agent, int status) {
  if (!WIFSIGNALED(status)) return (uint32_t)WEXITSTATUS(status);
  if (WTERMSIG(status) == SIGKILL && killed_for_memory(agent)) return ZB_AGENT_EXIT_OUT_OF_MEMORY;
  return ZB_AGENT_EXIT_SIGNALLED | (uint32_t)WTERMSIG(status);
}

static void report(pid_t agent, int status) {
  const int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
  must(fd, "/dev/mem");
  volatile uint32_t *registers =
      mmap(NULL, ZB_LINK_MMIO_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, ZB_LINK_MMIO_GPA);
  if (registers == MAP_FAILED) fail("link registers");
  registers[ZB_REG_AGENT_EXIT / 4] = exit_value(agent, status);
}

int main(void) {
  make_root_writable();
  mount_file_systems();
  link_descriptors();
  set_huge_pages();
  bring_loopback_up();
  must(sethostname("zeroboot", 8), "sethostname");
  write_file("/proc/self/oom_score_adj", "-1000");

  const pid_t agent = fork();
  must(agent, "fork");
  if (agent == 0) start_agent();

  for (;;) {
    int status;
    const pid_t ended = wait(&status);
    if (ended == agent) {
      report(agent, status);
      reboot(RB_AUTOBOOT); /* in case the host let us go on */
      _exit(1);
    }
    if (ended < 0 && errno != EINTR) fail("wait");
  }
}
