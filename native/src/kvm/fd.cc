#include "kvm/fd.h"

#include <fcntl.h>

#include <cerrno>

#include "kvm/error.h"

namespace zb {

UniqueFd OpenInput(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

Mapping::Mapping(size_t bytes, int protection, int flags, int fd, off_t offset) {
  void* address = ::mmap(nullptr, bytes, protection, flags, fd, offset);
  if (address == MAP_FAILED) ThrowSystemError(ErrorCode::kIoFailed, "mmap", errno);
  data_ = static_cast<uint8_t*>(address);
  bytes_ = bytes;
}

}  // namespace zb
