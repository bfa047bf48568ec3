// One VM's guest-physical memory as the host maps it: one contiguous range.
#pragma once

#include <array>
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
  // `ram_fd` holds layout.total_bytes(). Throws kRootInvalid when the root image reaches into the devices' addresses.
  // kShared is the template while it boots; kPrivate a fork.
  GuestMemory(const MemoryLayout& layout, int ram_fd, const RootImage& root, MemorySharing sharing);

  const MemoryLayout& layout() const { return layout_; }
  uint8_t* base() const { return mapping_.data(); }

  // The bytes at [gpa, gpa + length) if layout().IsPrivate has all of them; else empty.
  std::optional<std::span<uint8_t>> At(uint64_t gpa, uint64_t length) const {
    if (!layout_.IsPrivate(gpa, length)) return std::nullopt;
    return std::span<uint8_t>(base() + gpa, length);
  }
  // All for which At answers.
  std::array<std::span<uint8_t>, 2> Private() const {
    return {std::span(base(), layout_.root_gpa()),
            std::span(base() + layout_.root_end(), layout_.total_bytes() - layout_.root_end())};
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
  // At an address that agrees with the GPA modulo 2 MiB, without which neither host nor KVM maps a huge page.
  Mapping mapping_;
};

// A new memfd of `bytes`, close-on-exec and sealable.
UniqueFd CreateMemfd(const char* name, uint64_t bytes);
// No more writes, growth or shrinking. No writable shared mapping may exist.
void SealMemfd(int fd);

}  // namespace zb
