// One KVM virtual machine and its one vCPU, as kernel objects. No policy.
#pragma once

#include <cstdint>

#include "kvm/fd.h"
#include "kvm/ioctl.h"
#include "kvm/kvm.h"
#include "kvm/uapi.h"

namespace zb {

// Owns a VM file descriptor.
class Vm {
 public:
  Vm();

  int fd() const { return fd_.get(); }

  // Memory before the interrupt chip: a memslot set after it costs milliseconds on some hosts.
  void SetMemory(uint32_t slot, uint64_t gpa, const uint8_t* hva, uint64_t bytes);
  // LAPIC in the kernel, IOAPIC in user space; no PIT, no 8259.
  void CreateSplitIrqchip();
  // A halted vCPU sleeps at once: polling would burn host CPU on idle VMs.
  void DisableHaltPolling();
  // A message the guest has addressed to no processor is lost, as on a bus.
  void SignalMsi(uint32_t address, uint32_t data);
  // kvm-clock, as a guest reads it now; nanoseconds.
  uint64_t ReadClock() const;
  void EnableCapability(const kvm_enable_cap& capability, const char* name);

 private:
  UniqueFd fd_;
};

// Owns a vCPU file descriptor and its shared run area. Every call but kicks belongs to the vCPU's thread.
class Vcpu {
 public:
  explicit Vcpu(const Vm& vm);

  int fd() const { return fd_.get(); }
  // SAFETY of the cast: the kernel maps a kvm_run at the start of this area.
  kvm_run* run() const { return reinterpret_cast<kvm_run*>(run_.data()); }

  // Whether a kick (kvm/kick.h) has come since the last call; the next Run() enters the guest. One exchange, because
  // a kick may come between a read and a write.
  bool TakeImmediateExit();

  enum class RunResult { kExit, kInterrupted };
  // Enters the guest. EINTR and EAGAIN are kInterrupted; other failures throw.
  RunResult Run();

  // Finishes a pending MMIO or PIO exit without running guest instructions, so that registers
  // may be read or written (api.rst, KVM_RUN and immediate_exit).
  void CompleteExit();

  kvm_regs GetRegs() const;
  void SetRegs(const kvm_regs& regs);
  kvm_sregs GetSregs() const;
  void SetSregs(const kvm_sregs& sregs);
  uint64_t GetMsr(uint32_t index) const;
  void SetMsr(uint32_t index, uint64_t value);

 private:
  UniqueFd fd_;
  Mapping run_;
};

}  // namespace zb
