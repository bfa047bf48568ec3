#include "kvm/error.h"

#include <cstring>

namespace zb {

const char* ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kKvmMissing:
      return "kvm_missing";
    case ErrorCode::kKvmForbidden:
      return "kvm_forbidden";
    case ErrorCode::kKvmUnsuitable:
      return "kvm_unsuitable";
    case ErrorCode::kKvmFailed:
      return "kvm_failed";
    case ErrorCode::kKernelInvalid:
      return "kernel_invalid";
    case ErrorCode::kRootInvalid:
      return "root_invalid";
    case ErrorCode::kTemplateFailed:
      return "template_failed";
    case ErrorCode::kTemplateMissing:
      return "template_missing";
    case ErrorCode::kTemplateCorrupt:
      return "template_corrupt";
    case ErrorCode::kTemplateMismatch:
      return "template_mismatch";
    case ErrorCode::kForkFailed:
      return "fork_failed";
    case ErrorCode::kVmClosed:
      return "vm_closed";
    case ErrorCode::kQueueFull:
      return "queue_full";
    case ErrorCode::kIoFailed:
      return "io_failed";
  }
  return "kvm_failed";
}

void ThrowSystemError(ErrorCode code, const char* call, int error_number) {
  throw EngineError(code, std::string(call) + ": " + std::strerror(error_number), call, error_number);
}

}  // namespace zb
