#include "machine/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "kvm/error.h"
#include "machine/crc32c.h"

namespace zb {
namespace {

// EROFS superblock: 1024 bytes in, magic 0xe0f5e1e2 (Documentation/filesystems/erofs.rst).
constexpr uint64_t kErofsMagicOffset = 1024;
constexpr uint32_t kErofsMagic = 0xe0f5e1e2;

void Advise(void* address, size_t bytes, int advice, const char* name) {
  if (::madvise(address, bytes, advice) != 0) ThrowSystemError(ErrorCode::kIoFailed, name, errno);
}

std::shared_ptr<const RootImage> Copy(const std::string& path) {
  UniqueFd file(OpenInput(path));
  if (!file) {
    const int error_number = errno;
    throw EngineError(ErrorCode::kRootInvalid, "root image " + path + ": " + std::strerror(error_number), "open",
                      error_number);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) ThrowSystemError(ErrorCode::kIoFailed, "fstat", errno);
  if (!S_ISREG(status.st_mode)) {
    throw EngineError(ErrorCode::kRootInvalid, "root image " + path + " is not a file");
  }
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size < kErofsMagicOffset + kPageBytes) {
    throw EngineError(ErrorCode::kRootInvalid, "root image " + path + " is too short for a file system");
  }
  if (size > ZB_LINK_MMIO_GPA) {
    throw EngineError(ErrorCode::kRootInvalid, "root image " + path + " is larger than a guest's address space");
  }
  const uint64_t bytes = RoundUp(size, kPmemAlignment);
  uint32_t crc = 0;
  UniqueFd memfd = CreateMemfd("zeroboot-root", bytes);
  {
    Mapping target(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd.get());
    uint64_t done = 0;
    while (done < size) {
      const ssize_t n = ::pread(file.get(), target.data() + done, size - done, static_cast<off_t>(done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) ThrowSystemError(ErrorCode::kIoFailed, "pread", errno);
      if (n == 0) throw EngineError(ErrorCode::kRootInvalid, "root image " + path + " shrank while it was read");
      done += static_cast<uint64_t>(n);
    }
    uint32_t magic = 0;
    std::memcpy(&magic, target.data() + kErofsMagicOffset, sizeof(magic));
    if (magic != kErofsMagic) throw EngineError(ErrorCode::kRootInvalid, "root image " + path + " is not EROFS");
    crc = Crc32c(target.span());
  }
  SealMemfd(memfd.get());
  return std::make_shared<const RootImage>(std::move(memfd), bytes, crc);
}

}  // namespace

UniqueFd CreateMemfd(const char* name, uint64_t bytes) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) ThrowSystemError(ErrorCode::kIoFailed, "memfd_create", errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    ThrowSystemError(ErrorCode::kIoFailed, "ftruncate", errno);
  }
  return fd;
}

void SealMemfd(int fd) {
  if (::fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    ThrowSystemError(ErrorCode::kIoFailed, "F_ADD_SEALS", errno);
  }
}

std::shared_ptr<const RootImage> RootImage::Open(const std::string& path, const std::string& digest) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<const RootImage>> open;
  std::lock_guard lock(mutex);
  const std::string key = path + '\0' + digest;
  if (auto image = open[key].lock()) return image;
  auto image = Copy(path);
  open[key] = image;
  return image;
}

namespace {

// Guests live in the middle of a process's 47 bits of addresses, far from what the kernel places itself.
constexpr uint64_t kLowestAddress = 1ULL << 44;
constexpr uint64_t kAddresses = 1ULL << 46;
constexpr int kAttempts = 10'000;

// A first address at random, as for any other mapping.
uint64_t FirstAddress() {
  uint64_t random = 0;
  if (::getrandom(&random, sizeof(random), 0) != sizeof(random)) {
    ThrowSystemError(ErrorCode::kIoFailed, "getrandom", errno);
  }
  return random % kAddresses;
}

// Maps all of `fd` at a multiple of 2 MiB. Asking for an address of our own choice costs half of what it does to
// reserve more than is needed and map over a part of it; where somebody lives already, the next one is tried.
Mapping MapAligned(uint64_t bytes, int fd, int sharing_flag) {
  static std::atomic<uint64_t> next{FirstAddress()};
  // A hole after each guest, in which nobody lives until all addresses have had their turn.
  const uint64_t step = RoundUp(bytes, kHugePageBytes) + kHugePageBytes;
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    const uint64_t offset = next.fetch_add(step, std::memory_order_relaxed) % kAddresses;
    void* wanted = reinterpret_cast<void*>(kLowestAddress + offset / kHugePageBytes * kHugePageBytes);
    void* address =
        ::mmap(wanted, bytes, PROT_READ | PROT_WRITE, sharing_flag | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, 0);
    if (address == wanted) return {static_cast<uint8_t*>(address), bytes};
    // Before Linux 4.17 the flag is unknown, and the address a wish.
    if (address != MAP_FAILED) {
      ::munmap(address, bytes);
    } else if (errno != EEXIST) {
      ThrowSystemError(ErrorCode::kIoFailed, "mmap", errno);
    }
  }
  throw EngineError(ErrorCode::kIoFailed, "no addresses are left for a guest's memory");
}

MemoryLayout Checked(const MemoryLayout& layout) {
  if (!layout.fits()) {
    throw EngineError(ErrorCode::kRootInvalid, "a root image of " + std::to_string(layout.root_bytes / kMiB) +
                                                   " MiB leaves no room for " +
                                                   std::to_string(layout.ram_bytes / kMiB) + " MiB of guest memory");
  }
  return layout;
}

}  // namespace

GuestMemory::GuestMemory(const MemoryLayout& layout, int ram_fd, const RootImage& root, MemorySharing sharing)
    : layout_(Checked(layout)),
      mapping_(MapAligned(layout.total_bytes(), ram_fd, sharing == MemorySharing::kShared ? MAP_SHARED : MAP_PRIVATE)) {
  if (::mmap(base() + layout.root_gpa(), layout.root_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, root.fd(), 0) == MAP_FAILED) {
    ThrowSystemError(ErrorCode::kIoFailed, "mmap", errno);
  }
  // A child process of ours has no business with guest memory, nor has a core dump.
  Advise(mapping_.data(), mapping_.size(), MADV_DONTFORK, "MADV_DONTFORK");
  Advise(mapping_.data(), mapping_.size(), MADV_DONTDUMP, "MADV_DONTDUMP");
}

}  // namespace zb
