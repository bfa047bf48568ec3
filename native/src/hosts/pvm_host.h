// kvm_pvm: guest kernel mode goes through KVM's instruction emulator. Its gaps, and how each is filled:
//
//   cpuid-unmasked    the guest sees the host's CPUID whatever KVM_SET_CPUID2 says. Features the emulator
//                     cannot run are kept out of the guest kernel by clearcpuid= on its command line.
//   missing-opcodes   INT3, FWAIT, XSAVE64 and XRSTOR64 end in KVM_EXIT_INTERNAL_ERROR and are emulated here.
//   syscall-cpl3      SYSCALL enters the kernel still at CPL 3, which faults on its first instruction.
//                     A stub in front of the page-fault gate turns that fault into the entry it was.
//   tsc-fixed         the guest reads the host's TSC; KVM takes an offset and ignores it. Timers are armed against
//                     the TSC as it is read back (kvm/vcpu_state), and kvm-clock tells the time.
#pragma once

#include "hosts/host.h"

namespace zb {

class PvmHost : public Host {
 public:
  const char* kind() const override { return "kvm_pvm"; }
  std::string Description() const override { return "kvm_pvm (guest user mode native, guest kernel mode emulated)"; }
  std::vector<std::string> Quirks() const override {
    return {"cpuid-unmasked", "missing-opcodes", "syscall-cpl3", "tsc-fixed"};
  }
  std::string CommandLine() const override;
  std::unique_ptr<BootQuirks> NewBootQuirks(const LoadedKernel& kernel) const override;
  // Node's first cell takes 12 ms, and a tick would take 2.4 more.
  std::chrono::microseconds FirstTick() const override { return std::chrono::milliseconds(30); }
  // A tick takes 2.4 ms of it.
  std::chrono::nanoseconds BusyTimeSlice() const override { return std::chrono::milliseconds(30); }
  bool HandleEmulationFailure(Vcpu& vcpu, GuestMemory& memory) const override;
};

}  // namespace zb
