// The one checked path to ioctl(2). Nothing else in the engine calls it.
#pragma once

#include <sys/ioctl.h>

#include <cerrno>

#include "kvm/error.h"
#include "kvm/uapi.h"

namespace zb {

// Calls ioctl and throws EngineError{kKvmFailed, name, errno} on failure. Returns the result, which
// some calls use as a count the caller must compare.
template <typename Argument>
int CheckedIoctl(int fd, unsigned long request, const char* name, Argument argument) {
  const int result = ::ioctl(fd, request, argument);
  if (result < 0) ThrowSystemError(ErrorCode::kKvmFailed, name, errno);
  return result;
}

// As CheckedIoctl, for calls whose failure is an answer: returns -errno.
template <typename Argument>
[[nodiscard]] int TryIoctl(int fd, unsigned long request, Argument argument) {
  const int result = ::ioctl(fd, request, argument);
  return result < 0 ? -errno : result;
}

#define ZB_IOCTL(fd, request, argument) ::zb::CheckedIoctl((fd), (request), #request, (argument))

}  // namespace zb
