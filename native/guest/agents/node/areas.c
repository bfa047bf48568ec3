#define _GNU_SOURCE
#include "areas.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BYTES ((size_t)4096)
#define AREA_BYTES ((size_t)256 << 10)
#define HUGE_BYTES ((size_t)2 << 20)
#define PAGES_PER_AREA 64
/* What V8 asks for beside what it wants, to cut an area at a multiple of its size out of it. */
#define SLACK_BYTES (AREA_BYTES - PAGE_BYTES)
/* Of the guest's memory, and at most 48 MiB: enough for some 100,000 objects. */
#define SHARE 5
#define MOST_AREAS 192
#define LARGEST_BYTES ((size_t)16 << 20)
/* Of reservations, V8's for compiled code is far above this. */
#define SMALLEST_CODE_RANGE ((size_t)64 << 20)

/* A bit for each page of an area: whose, and whether it may hold anything but zeroes. With the lock. */
static uint64_t used[MOST_AREAS];
static uint64_t dirty[MOST_AREAS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* NULL: there is none, and everything is the kernel's. */
static char *space;
static size_t areas;
/* What this thread was given last, and nobody has written to yet, if it gives it back at once. */
static _Thread_local char *fresh_begin __attribute__((tls_model("initial-exec")));
static _Thread_local char *fresh_end __attribute__((tls_model("initial-exec")));

static void *map(void *at, size_t bytes, int rights, int flags, int fd, off_t offset) {
  return (void *)syscall(SYS_mmap, at, bytes, rights, flags, fd, offset);
}

/* At a multiple of 2 MiB. */
static void *map_aligned(size_t bytes, int rights, int flags) {
  char *all = map(NULL, bytes + HUGE_BYTES, rights, flags, -1, 0);
  if (all == MAP_FAILED) return MAP_FAILED;
  char *begin = (char *)(((uintptr_t)all + HUGE_BYTES - 1) & ~(uintptr_t)(HUGE_BYTES - 1));
  const size_t before = (size_t)(begin - all);
  if (before > 0) syscall(SYS_munmap, all, before);
  if (HUGE_BYTES > before) syscall(SYS_munmap, begin + bytes, HUGE_BYTES - before);
  return begin;
}

__attribute__((constructor)) static void make_space(void) {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const size_t share = pages < 0 ? 0 : (size_t)pages / SHARE * PAGE_BYTES / HUGE_BYTES * (HUGE_BYTES / AREA_BYTES);
  areas = share < MOST_AREAS ? share : MOST_AREAS;
  if (areas == 0) return;
  const size_t bytes = areas * AREA_BYTES;
  char *begin = map_aligned(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  if (begin == MAP_FAILED) return;
  syscall(SYS_madvise, begin, bytes, MADV_HUGEPAGE);
  /* As V8 wants it for each area: no child of fork(2) has use for them. */
  syscall(SYS_madvise, begin, bytes, MADV_DONTFORK);
  space = begin;
}

static int is_inside(const void *at, size_t bytes) {
  const uintptr_t begin = (uintptr_t)space;
  const size_t size = areas * AREA_BYTES;
  return space != NULL && (uintptr_t)at >= begin && (uintptr_t)at - begin < size &&
         bytes <= size - ((uintptr_t)at - begin);
}

/* Pages [first, last) of an area. */
static uint64_t mask(size_t first, size_t last) {
  const uint64_t below = last == PAGES_PER_AREA ? ~(uint64_t)0 : ((uint64_t)1 << last) - 1;
  return below & ~(((uint64_t)1 << first) - 1);
}

/* The part of pages [begin, end) that is in `area`. */
static uint64_t part_of(size_t area, size_t begin, size_t end) {
  const size_t base = area * PAGES_PER_AREA;
  const size_t first = begin > base ? begin - base : 0;
  const size_t last = end < base + PAGES_PER_AREA ? end - base : PAGES_PER_AREA;
  return mask(first, last);
}

static int is_free(size_t begin, size_t end) {
  for (size_t area = begin / PAGES_PER_AREA; area * PAGES_PER_AREA < end; area++) {
    if ((used[area] & part_of(area, begin, end)) != 0) return 0;
  }
  return 1;
}

static void zero(size_t begin, size_t end) {
  for (size_t page = begin; page < end; page++) {
    if ((dirty[page / PAGES_PER_AREA] >> page % PAGES_PER_AREA & 1) == 0) continue;
    memset(space + page * PAGE_BYTES, 0, PAGE_BYTES);
  }
}

static void *take(size_t bytes) {
  const size_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
  for (size_t start = 0; start * PAGES_PER_AREA + pages <= areas * PAGES_PER_AREA; start++) {
    const size_t begin = start * PAGES_PER_AREA;
    if (!is_free(begin, begin + pages)) continue;
    zero(begin, begin + pages);
    for (size_t area = start; area * PAGES_PER_AREA < begin + pages; area++) {
      used[area] |= part_of(area, begin, begin + pages);
      dirty[area] |= part_of(area, begin, begin + pages);
    }
    fresh_begin = space + begin * PAGE_BYTES;
    fresh_end = fresh_begin + pages * PAGE_BYTES;
    return fresh_begin;
  }
  return NULL;
}

static void give_back(char *at, size_t bytes) {
  const size_t begin = (size_t)(at - space) / PAGE_BYTES;
  const size_t end = begin + (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
  /* V8 cuts the slack off before it uses an area; take() has made it zero. */
  const int untouched = bytes == SLACK_BYTES && at > fresh_begin && at + bytes == fresh_end;
  for (size_t area = begin / PAGES_PER_AREA; area * PAGES_PER_AREA < end; area++) {
    used[area] &= ~part_of(area, begin, end);
    if (untouched) dirty[area] &= ~part_of(area, begin, end);
  }
  fresh_begin = fresh_end = NULL;
}

void *mmap64(void *at, size_t bytes, int rights, int flags, int fd, off_t offset) {
  if (is_inside(at, bytes) && (flags & (MAP_FIXED | MAP_PRIVATE)) == (MAP_FIXED | MAP_PRIVATE) && fd < 0) {
    /* V8 lets go of the content and keeps the addresses. */
    memset(at, 0, bytes);
    return at;
  }
  /* With a hint: V8's. Rights to read and write: no reservation. */
  const int v8s = at != NULL && fd < 0 && flags == (MAP_PRIVATE | MAP_ANONYMOUS) && rights == (PROT_READ | PROT_WRITE);
  if (space != NULL && v8s && bytes > 0 && bytes <= LARGEST_BYTES) {
    pthread_mutex_lock(&lock);
    void *taken = take(bytes);
    pthread_mutex_unlock(&lock);
    if (taken != NULL) return taken;
  }
  /* The code is at its beginning, and can then become a huge page. */
  const int reserves = at != NULL && fd < 0 && flags == (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  if (reserves && rights == PROT_NONE && bytes >= SMALLEST_CODE_RANGE) return map_aligned(bytes, rights, flags);
  return map(at, bytes, rights, flags, fd, offset);
}

void *mmap(void *at, size_t bytes, int rights, int flags, int fd, off_t offset) {
  return mmap64(at, bytes, rights, flags, fd, offset);
}

int munmap(void *at, size_t bytes) {
  if (!is_inside(at, bytes)) return (int)syscall(SYS_munmap, at, bytes);
  pthread_mutex_lock(&lock);
  give_back(at, bytes);
  pthread_mutex_unlock(&lock);
  return 0;
}

int mprotect(void *at, size_t bytes, int rights) {
  /* Less than reading and writing would break huge pages up, and protects V8 from itself only. */
  if (is_inside(at, bytes) && (rights & PROT_EXEC) == 0) return 0;
  return (int)syscall(SYS_mprotect, at, bytes, rights);
}

int madvise(void *at, size_t bytes, int advice) {
  if (!is_inside(at, bytes)) return (int)syscall(SYS_madvise, at, bytes, advice);
  if (advice == MADV_DONTNEED) memset(at, 0, bytes);
  return 0;
}

void zb_areas_fill(void) {
  /* Kernels before 5.14 refuse, and lose nothing but that. */
  if (space != NULL) syscall(SYS_madvise, space, areas * AREA_BYTES, MADV_POPULATE_WRITE);
}
