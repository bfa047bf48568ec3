#include "fixtures.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kvm/error.h"

namespace zb::test {

std::shared_ptr<const RootImage> EmptyRoot() {
  UniqueFd fd = CreateMemfd("zeroboot-test-root", kPmemAlignment);
  SealMemfd(fd.get());
  return std::make_shared<const RootImage>(std::move(fd), kPmemAlignment, 0);
}

TestMemory::TestMemory()
    : root_(EmptyRoot()),
      ram_(CreateMemfd("zeroboot-test", kSmallLayout.total_bytes())),
      memory_(kSmallLayout, ram_.get(), *root_, MemorySharing::kShared) {}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "zeroboot-unit-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ThrowSystemError(ErrorCode::kIoFailed, "mkdtemp", errno);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::Write(const std::string& name, std::span<const uint8_t> content) const {
  const std::string path = File(name);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  return path;
}

std::vector<std::string> TemporaryFolder::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) names.push_back(entry.path().filename());
  return names;
}

std::vector<uint8_t> ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace zb::test
