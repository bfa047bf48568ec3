// What kind of KVM this is, and everything about it the rest of the engine must not know.
//
// Two kinds: hardware KVM (VMX, SVM) needs nothing; kvm_pvm runs guest user mode natively and
// emulates guest kernel mode, with gaps that are filled here and nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kvm/vm.h"
#include "machine/guest_memory.h"
#include "machine/kernel_image.h"

namespace zb {

// Needed while a guest boots, and never after: owned by the booting machine, used on its vCPU thread.
class BootQuirks {
 public:
  virtual ~BootQuirks() = default;
  // Before the vCPU exists.
  virtual void PrepareVm(Vm&) {}
  // KVM_EXIT_X86_WRMSR. False: not ours.
  virtual bool HandleMsrWrite(Vcpu&, GuestMemory&) { return false; }
  // The guest is about to be captured; throws kTemplateFailed when what was installed is gone.
  virtual void CheckBeforeCapture(const Vcpu&, const GuestMemory&) {}
};

class Host {
 public:
  // Detected once.
  static const Host& Current();
  virtual ~Host() = default;

  // "hardware" or "kvm_pvm": part of a template's identity.
  virtual const char* kind() const = 0;
  virtual std::string Description() const = 0;
  // Names of the quirks in force, for doctor and a template's identity.
  virtual std::vector<std::string> Quirks() const = 0;
  // Appended to the guest's command line.
  virtual std::string CommandLine() const = 0;
  // Throws kKernelInvalid for a kernel this host cannot run.
  virtual std::unique_ptr<BootQuirks> NewBootQuirks(const LoadedKernel& kernel) const = 0;
  // How far ahead a fork's first timer tick is put: its identity and a first cell, each over pages that its vCPU has
  // not touched yet, are to be before it.
  virtual std::chrono::microseconds FirstTick() const { return std::chrono::milliseconds(15); }
  // How long a busy guest is to run at a time, see fork/time_slice.h; zero: as the host's scheduler has it.
  virtual std::chrono::nanoseconds BusyTimeSlice() const { return {}; }
  // KVM_EXIT_INTERNAL_ERROR with suberror 1: emulate what KVM's emulator lacks. False: it stays an error.
  virtual bool HandleEmulationFailure(Vcpu& vcpu, GuestMemory& memory) const = 0;
};

struct CpuIdentity {
  std::string vendor;
  uint32_t family = 0;
  uint32_t model = 0;
  uint32_t stepping = 0;
  uint64_t xcr0 = 0;
  uint32_t microcode = 0;
  uint32_t tsc_khz = 0;
  // FNV-1a over the guest-visible CPUID leaves and XCR0, hex: two hosts that agree can swap templates.
  std::string digest;
};
// Throws as Kvm::Get().
CpuIdentity ReadCpuIdentity();

}  // namespace zb
