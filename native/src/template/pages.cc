#include "template/pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <span>

#include "kvm/error.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace zb {
namespace {

// PIDFD_SELF_THREAD of uapi/linux/pidfd.h: this process, without a descriptor.
constexpr int kPidfdSelf = -10000;
constexpr uint64_t kPresent = 1ULL << 63;
constexpr uint64_t kSwapped = 1ULL << 62;
constexpr uint64_t kFileOrShared = 1ULL << 61;
constexpr size_t kBatch = 8192;

void AddPage(std::vector<PageRun>& runs, uint32_t page) {
  if (!runs.empty() && runs.back().first + runs.back().count == page) {
    runs.back().count++;
  } else {
    runs.push_back({.first = page, .count = 1});
  }
}

bool IsZero(const uint8_t* page) { return page[0] == 0 && std::memcmp(page, page + 1, kPageBytes - 1) == 0; }

}  // namespace

std::vector<PageRun> PrivatePages(const uint8_t* base, uint64_t bytes) {
  UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!pagemap) ThrowSystemError(ErrorCode::kIoFailed, "open /proc/self/pagemap", errno);
  std::vector<PageRun> runs;
  std::vector<uint64_t> entries(kBatch);
  const uint64_t first_page = reinterpret_cast<uint64_t>(base) / kPageBytes;
  const uint64_t pages = bytes / kPageBytes;
  for (uint64_t done = 0; done < pages;) {
    const size_t wanted = std::min<uint64_t>(kBatch, pages - done) * sizeof(uint64_t);
    const ssize_t n =
        ::pread(pagemap.get(), entries.data(), wanted, static_cast<off_t>((first_page + done) * sizeof(uint64_t)));
    if (n <= 0) ThrowSystemError(ErrorCode::kIoFailed, "pread /proc/self/pagemap", n < 0 ? errno : EIO);
    const size_t count = static_cast<size_t>(n) / sizeof(uint64_t);
    for (size_t i = 0; i < count; i++) {
      const bool there = (entries[i] & (kPresent | kSwapped)) != 0;
      if (there && (entries[i] & kFileOrShared) == 0) AddPage(runs, static_cast<uint32_t>(done + i));
    }
    done += count;
  }
  return runs;
}

namespace {

// Calls `visit(start, end)` for each range of `fd` that is there, up to `bytes`; the rest are holes.
template <typename Visit>
void ForEachExtent(int fd, uint64_t bytes, Visit visit) {
  off_t position = 0;
  const auto end = static_cast<off_t>(bytes);
  while (position < end) {
    const off_t data = ::lseek(fd, position, SEEK_DATA);
    if (data < 0) {
      if (errno == ENXIO) break;
      ThrowSystemError(ErrorCode::kIoFailed, "lseek SEEK_DATA", errno);
    }
    const off_t hole = ::lseek(fd, data, SEEK_HOLE);
    if (hole < 0) ThrowSystemError(ErrorCode::kIoFailed, "lseek SEEK_HOLE", errno);
    if (data < end) visit(static_cast<uint64_t>(data), static_cast<uint64_t>(std::min(hole, end)));
    position = hole;
  }
}

}  // namespace

std::vector<PageRun> NonZeroPages(int fd, const uint8_t* base, uint64_t bytes) {
  std::vector<PageRun> runs;
  ForEachExtent(fd, bytes, [&](uint64_t start, uint64_t end) {
    for (uint64_t at = start / kPageBytes * kPageBytes; at < end; at += kPageBytes) {
      if (!IsZero(base + at)) AddPage(runs, static_cast<uint32_t>(at / kPageBytes));
    }
  });
  return runs;
}

uint64_t TouchedEnd(int fd, const MemoryLayout& layout) {
  uint64_t touched = 0;
  ForEachExtent(fd, layout.total_bytes(), [&](uint64_t start, uint64_t end) {
    // The ring is not RAM, and under the root image there is none.
    if (start < layout.ring_gpa()) touched = std::min(end, layout.ring_gpa());
    if (end > layout.high_gpa()) touched = end;
  });
  return touched;
}

namespace {

// As many runs as the kernel takes, by one call. Returns how many: none where it cannot (before Linux 6.15), or where
// one of them fails, which the caller's own call then says.
size_t PrefaultTogether(uint8_t* base, std::span<const PageRun> runs) {
  std::array<iovec, 256> ranges;
  const size_t count = std::min(runs.size(), ranges.size());
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    ranges[i] = {.iov_base = base + uint64_t{runs[i].first} * kPageBytes,
                 .iov_len = uint64_t{runs[i].count} * kPageBytes};
    bytes += ranges[i].iov_len;
  }
  const long advised = ::syscall(SYS_process_madvise, kPidfdSelf, ranges.data(), count, MADV_POPULATE_WRITE, 0);
  return advised >= 0 && static_cast<size_t>(advised) == bytes ? count : 0;
}

void PrefaultOne(uint8_t* base, const PageRun& run) {
  uint8_t* start = base + uint64_t{run.first} * kPageBytes;
  if (::madvise(start, uint64_t{run.count} * kPageBytes, MADV_POPULATE_WRITE) == 0) return;
  const int error_number = errno;
  if (error_number != EINVAL) ThrowSystemError(ErrorCode::kIoFailed, "MADV_POPULATE_WRITE", error_number);
  // Kernels before 5.14: touch each page, which the mapping's owner may do while no guest runs.
  for (uint32_t i = 0; i < run.count; i++) {
    std::atomic_ref<uint8_t> byte(start[uint64_t{i} * kPageBytes]);
    byte.fetch_or(0, std::memory_order_relaxed);
  }
}

}  // namespace

void PrefaultForWrite(uint8_t* base, const std::vector<PageRun>& runs) {
  std::span<const PageRun> left(runs);
  while (!left.empty()) {
    const size_t together = PrefaultTogether(base, left);
    if (together == 0) break;
    left = left.subspan(together);
  }
  for (const PageRun& run : left) PrefaultOne(base, run);
}

std::vector<PageRun> PagesOfMost(const std::vector<std::vector<PageRun>>& sets) {
  std::map<uint32_t, size_t> having;
  for (const std::vector<PageRun>& set : sets) {
    for (const PageRun& run : set) {
      for (uint32_t i = 0; i < run.count; i++) having[run.first + i]++;
    }
  }
  std::vector<PageRun> runs;
  for (const auto& [page, count] : having) {
    if (2 * count > sets.size()) AddPage(runs, page);
  }
  return runs;
}

uint64_t CountPages(const std::vector<PageRun>& runs) {
  uint64_t pages = 0;
  for (const PageRun& run : runs) pages += run.count;
  return pages;
}

}  // namespace zb
