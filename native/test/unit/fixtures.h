// What several tests stand on: guest memory without a guest, and files that go away.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "machine/guest_memory.h"

namespace zb::test {

inline constexpr MemoryLayout kSmallLayout{.ram_bytes = kMinMemoryMb * kMiB, .root_bytes = kPmemAlignment};

// A root image of zeroes: mapped, never read.
std::shared_ptr<const RootImage> EmptyRoot();

// 64 MiB of RAM, the ring and an empty root image. Sparse: only what is written costs anything.
class TestMemory {
 public:
  TestMemory();
  GuestMemory& get() { return memory_; }

 private:
  std::shared_ptr<const RootImage> root_;
  UniqueFd ram_;
  GuestMemory memory_;
};

// A folder of its own, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file and returns its path.
  std::string Write(const std::string& name, std::span<const uint8_t> content) const;
  std::vector<std::string> Names() const;

 private:
  std::string path_;
};

std::vector<uint8_t> ReadWhole(const std::string& path);

}  // namespace zb::test
