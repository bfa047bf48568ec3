// The stub in front of the guest's page-fault handler that repairs SYSCALL on kvm_pvm.
#pragma once

#include "hosts/host.h"

namespace zb {

class PvmSyscallStub : public BootQuirks {
 public:
  // The stub's home is the kernel's entry page: executable, mapped, and dead once Linux runs.
  // Throws kKernelInvalid when the kernel has no such page.
  explicit PvmSyscallStub(const LoadedKernel& kernel);

  // Makes a write of LSTAR exit: that is when Linux has built its final IDT and no user code has run.
  void PrepareVm(Vm& vm) override;
  bool HandleMsrWrite(Vcpu& vcpu, GuestMemory& memory) override;
  void CheckBeforeCapture(const Vcpu& vcpu, const GuestMemory& memory) override;

 private:
  void Install(Vcpu& vcpu, GuestMemory& memory, uint64_t lstar);

  uint64_t stub_gpa_;
  uint64_t stub_virtual_;
  bool installed_ = false;
};

}  // namespace zb
