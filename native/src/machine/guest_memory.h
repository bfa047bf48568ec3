// One VM's guest-physical memory as the host maps it: one contiguous range, one memslot.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "kvm/fd.h"
#include "machine/layout.h"

namespace zb {

// A sealed, read-only memfd holding the root image; shared by every VM of the process.
class RootImage {
 public:
  // Copies `path` into sealed memory: a file truncated or edited under running VMs cannot hurt them.
  // One copy per path and digest is kept while anybody uses it. Throws kRootInvalid or kIoFailed.
  static std::shared_ptr<const RootImage> Open(const std::string& path, const std::string& digest);

  int fd() const { return fd_.get(); }
  uint64_t bytes() const { return bytes_; }
  // CRC-32C of all of it: a template runs on the very image it was captured on, whatever its file's name.
  uint32_t crc() const { return crc_; }

  RootImage(UniqueFd fd, uint64_t bytes, uint32_t crc) : fd_(std::move(fd)), bytes_(bytes), crc_(crc) {}

 private:
  UniqueFd fd_;
  uint64_t bytes_;
  uint32_t crc_;
};

enum class MemorySharing { kShared, kPrivate };

// The engine touches guest memory only through this mapping, never through the memfd.
class GuestMemory {
 public:
  // `ram_fd` holds layout.private_bytes(). Throws kRootInvalid when the root image reaches into the devices' addresses.
  // kShared is the template while it boots; kPrivate a fork.
  GuestMemory(const MemoryLayout& layout, int ram_fd, const RootImage& root, MemorySharing sharing);

  const MemoryLayout& layout() const { return layout_; }
  uint8_t* base() const { return base_; }

  // The bytes at [gpa, gpa + length) if all of them are RAM or ring; else empty.
  std::optional<std::span<uint8_t>> At(uint64_t gpa, uint64_t length) const {
    if (length > layout_.private_bytes() || gpa > layout_.private_bytes() - length) return std::nullopt;
    return std::span<uint8_t>(base_ + gpa, length);
  }
  template <typename T>
  std::optional<T> Load(uint64_t gpa) const {
    const auto bytes = At(gpa, sizeof(T));
    if (!bytes) return std::nullopt;
    T value;
    std::memcpy(&value, bytes->data(), sizeof(T));
    return value;
  }
  template <typename T>
  bool Store(uint64_t gpa, const T& value) {
    const auto bytes = At(gpa, sizeof(T));
    if (!bytes) return false;
    std::memcpy(bytes->data(), &value, sizeof(T));
    return true;
  }

 private:
  MemoryLayout layout_;
  Mapping reservation_;
  // Where host address and GPA agree modulo 2 MiB, without which neither host nor KVM maps a huge page.
  uint8_t* base_;
};

// A new memfd of `bytes`, close-on-exec and sealable.
UniqueFd CreateMemfd(const char* name, uint64_t bytes);
// No more writes, growth or shrinking. No writable shared mapping may exist.
void SealMemfd(int fd);

}  // namespace zb
