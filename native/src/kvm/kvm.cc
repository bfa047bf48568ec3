#include "kvm/kvm.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

#include "kvm/ioctl.h"

namespace zb {
namespace {

constexpr int kApiVersion = 12;
constexpr size_t kMaxCpuidEntries = 256;
constexpr size_t kMaxMsrs = 1024;

// Capabilities without which no VM of ours can run (Documentation/virt/kvm/api.rst).
struct Needed {
  uint32_t capability;
  const char* name;
};
constexpr Needed kNeeded[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP"},
    {KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_TSC_DEADLINE_TIMER, "KVM_CAP_TSC_DEADLINE_TIMER"},
    {KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
    {KVM_CAP_XCRS, "KVM_CAP_XCRS"},
    {KVM_CAP_ADJUST_CLOCK, "KVM_CAP_ADJUST_CLOCK"},
    {KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS"},
    {KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE"},
};

UniqueFd OpenDevice() {
  UniqueFd fd(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (fd) return fd;
  const int error_number = errno;
  if (error_number == EACCES || error_number == EPERM) {
    throw EngineError(ErrorCode::kKvmForbidden, "/dev/kvm may not be opened by this user", "open", error_number);
  }
  if (error_number == ENOENT || error_number == ENODEV || error_number == ENXIO) {
    throw EngineError(ErrorCode::kKvmMissing, "/dev/kvm does not exist or has no driver behind it", "open",
                      error_number);
  }
  ThrowSystemError(ErrorCode::kKvmFailed, "open /dev/kvm", error_number);
}

std::vector<kvm_cpuid_entry2> ReadSupportedCpuid(int fd) {
  const size_t bytes = sizeof(kvm_cpuid2) + kMaxCpuidEntries * sizeof(kvm_cpuid_entry2);
  std::vector<uint64_t> buffer(bytes / sizeof(uint64_t) + 1);
  // SAFETY: kvm_cpuid2 is a plain struct with a flexible array, read back as the kernel wrote it.
  auto* cpuid = reinterpret_cast<kvm_cpuid2*>(buffer.data());
  cpuid->nent = kMaxCpuidEntries;
  ZB_IOCTL(fd, KVM_GET_SUPPORTED_CPUID, cpuid);
  return {cpuid->entries, cpuid->entries + cpuid->nent};
}

std::vector<uint32_t> ReadMsrIndices(int fd) {
  std::vector<uint32_t> buffer(1 + kMaxMsrs);
  // SAFETY: kvm_msr_list is a u32 count followed by u32 indices.
  auto* list = reinterpret_cast<kvm_msr_list*>(buffer.data());
  list->nmsrs = kMaxMsrs;
  ZB_IOCTL(fd, KVM_GET_MSR_INDEX_LIST, list);
  return {list->indices, list->indices + list->nmsrs};
}

}  // namespace

Kvm::Kvm() : fd_(OpenDevice()) {
  if (ZB_IOCTL(fd_.get(), KVM_GET_API_VERSION, 0) != kApiVersion) {
    throw EngineError(ErrorCode::kKvmUnsuitable, "KVM's API version is not 12");
  }
  for (const Needed& needed : kNeeded) {
    if (Capability(needed.capability) <= 0) {
      throw EngineError(ErrorCode::kKvmUnsuitable, std::string("this host's KVM lacks ") + needed.name);
    }
  }
  run_bytes_ = static_cast<size_t>(ZB_IOCTL(fd_.get(), KVM_GET_VCPU_MMAP_SIZE, 0));
  // XSAVE2 is asked of the system here; it answers the largest state any VM can have.
  xsave_bytes_ = std::max(sizeof(kvm_xsave), static_cast<size_t>(std::max(0, Capability(KVM_CAP_XSAVE2))));
  supported_cpuid_ = ReadSupportedCpuid(fd_.get());
  msr_indices_ = ReadMsrIndices(fd_.get());
}

int Kvm::Capability(uint32_t capability) const {
  const int answer = TryIoctl(fd_.get(), KVM_CHECK_EXTENSION, static_cast<unsigned long>(capability));
  return answer < 0 ? 0 : answer;
}

const Kvm& Kvm::Get() {
  // Never destroyed: a vCPU thread may outlive the statics of a process that exits.
  static auto& mutex = *new std::mutex;
  static const Kvm* instance = nullptr;
  std::lock_guard lock(mutex);
  if (instance == nullptr) instance = new Kvm();
  return *instance;
}

}  // namespace zb
