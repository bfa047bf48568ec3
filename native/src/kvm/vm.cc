#include "kvm/vm.h"

#include <atomic>

#include "kvm/msr_batch.h"

namespace zb {
namespace {

// Pins of the user-space IOAPIC; KVM reserves as many routes for it.
constexpr uint64_t kIoapicPins = 24;

// Registering the memory notifier gives up with EINTR when any signal is pending, which a thread that is not
// ours may have.
int CreateVmFd() {
  for (;;) {
    const int fd = TryIoctl(Kvm::Get().fd(), KVM_CREATE_VM, 0UL);
    if (fd >= 0) return fd;
    if (fd != -EINTR) ThrowSystemError(ErrorCode::kKvmFailed, "KVM_CREATE_VM", -fd);
  }
}

}  // namespace

Vm::Vm() : fd_(CreateVmFd()) {}

void Vm::SetMemory(uint32_t slot, uint64_t gpa, const uint8_t* hva, uint64_t bytes) {
  kvm_userspace_memory_region region{};
  region.slot = slot;
  region.guest_phys_addr = gpa;
  region.memory_size = bytes;
  region.userspace_addr = reinterpret_cast<uint64_t>(hva);
  ZB_IOCTL(fd_.get(), KVM_SET_USER_MEMORY_REGION, &region);
}

uint64_t Vm::ReadClock() const {
  kvm_clock_data clock{};
  ZB_IOCTL(fd(), KVM_GET_CLOCK, &clock);
  return clock.clock;
}

void Vm::EnableCapability(const kvm_enable_cap& capability, const char* name) {
  CheckedIoctl(fd_.get(), KVM_ENABLE_CAP, name, &capability);
}

void Vm::CreateSplitIrqchip() {
  kvm_enable_cap capability{};
  capability.cap = KVM_CAP_SPLIT_IRQCHIP;
  capability.args[0] = kIoapicPins;
  EnableCapability(capability, "KVM_CAP_SPLIT_IRQCHIP");
}

void Vm::DisableHaltPolling() {
  kvm_enable_cap capability{};
  capability.cap = KVM_CAP_HALT_POLL;
  EnableCapability(capability, "KVM_CAP_HALT_POLL");
}

void Vm::SignalMsi(uint32_t address, uint32_t data) {
  kvm_msi msi{};
  msi.address_lo = address;
  msi.data = data;
  // -1, hence EPERM, is KVM's word for a message no local APIC took. The guest chose the address.
  const int result = TryIoctl(fd_.get(), KVM_SIGNAL_MSI, &msi);
  if (result < 0 && result != -EPERM) ThrowSystemError(ErrorCode::kKvmFailed, "KVM_SIGNAL_MSI", -result);
}

Vcpu::Vcpu(const Vm& vm)
    : fd_(ZB_IOCTL(vm.fd(), KVM_CREATE_VCPU, 0UL)),
      run_(Kvm::Get().run_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get()) {}

bool Vcpu::TakeImmediateExit() {
  return std::atomic_ref<uint8_t>(run()->immediate_exit).exchange(0, std::memory_order_seq_cst) != 0;
}

Vcpu::RunResult Vcpu::Run() {
  const int result = TryIoctl(fd_.get(), KVM_RUN, 0UL);
  if (result >= 0) return RunResult::kExit;
  if (result == -EINTR || result == -EAGAIN) return RunResult::kInterrupted;
  ThrowSystemError(ErrorCode::kKvmFailed, "KVM_RUN", -result);
}

void Vcpu::CompleteExit() {
  run()->immediate_exit = 1;
  const int result = TryIoctl(fd_.get(), KVM_RUN, 0UL);
  run()->immediate_exit = 0;
  if (result < 0 && result != -EINTR) ThrowSystemError(ErrorCode::kKvmFailed, "KVM_RUN", -result);
}

kvm_regs Vcpu::GetRegs() const {
  kvm_regs regs{};
  ZB_IOCTL(fd_.get(), KVM_GET_REGS, &regs);
  return regs;
}

void Vcpu::SetRegs(const kvm_regs& regs) { ZB_IOCTL(fd_.get(), KVM_SET_REGS, &regs); }

kvm_sregs Vcpu::GetSregs() const {
  kvm_sregs sregs{};
  ZB_IOCTL(fd_.get(), KVM_GET_SREGS, &sregs);
  return sregs;
}

void Vcpu::SetSregs(const kvm_sregs& sregs) { ZB_IOCTL(fd_.get(), KVM_SET_SREGS, &sregs); }

uint64_t Vcpu::GetMsr(uint32_t index) const {
  const kvm_msr_entry entry{.index = index, .reserved = 0, .data = 0};
  MsrBatch batch({&entry, 1});
  if (ZB_IOCTL(fd_.get(), KVM_GET_MSRS, batch.argument()) != 1) {
    throw EngineError(ErrorCode::kKvmFailed, "KVM_GET_MSRS took no entry", "KVM_GET_MSRS", 0);
  }
  return batch.entry(0).data;
}

void Vcpu::SetMsr(uint32_t index, uint64_t value) {
  const kvm_msr_entry entry{.index = index, .reserved = 0, .data = value};
  MsrBatch batch({&entry, 1});
  if (ZB_IOCTL(fd_.get(), KVM_SET_MSRS, batch.argument()) != 1) {
    throw EngineError(ErrorCode::kKvmFailed, "KVM_SET_MSRS took no entry", "KVM_SET_MSRS", 0);
  }
}

}  // namespace zb
