// The one exception the engine throws: a stable code, and what the kernel said.
#pragma once

#include <stdexcept>
#include <string>

namespace zb {

// Mirrors EngineErrorCode in native/engine.ts.
enum class ErrorCode {
  kKvmMissing,
  kKvmForbidden,
  kKvmUnsuitable,
  kKvmFailed,
  kKernelInvalid,
  kRootInvalid,
  kTemplateFailed,
  kTemplateMissing,
  kTemplateCorrupt,
  kTemplateMismatch,
  kForkFailed,
  kVmClosed,
  kQueueFull,
  kIoFailed,
};

// The wire name, for example "kvm_missing".
const char* ErrorCodeName(ErrorCode code);

class EngineError : public std::runtime_error {
 public:
  EngineError(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  EngineError(ErrorCode code, const std::string& message, std::string syscall, int error_number)
      : std::runtime_error(message), code_(code), syscall_(std::move(syscall)), errno_(error_number) {}

  ErrorCode code() const { return code_; }
  // The failing call, for example "KVM_SET_SREGS"; empty where there is none.
  const std::string& syscall() const { return syscall_; }
  int error_number() const { return errno_; }
  // The guest's last console lines, where a guest was involved.
  const std::string& console() const { return console_; }
  EngineError& WithConsole(std::string console) {
    console_ = std::move(console);
    return *this;
  }

 private:
  ErrorCode code_;
  std::string syscall_;
  int errno_ = 0;
  std::string console_;
};

// Throws kIoFailed / kKvmFailed with errno's text. `error_number` is read by the caller before
// anything else can change it.
[[noreturn]] void ThrowSystemError(ErrorCode code, const char* call, int error_number);

}  // namespace zb
