// A vCPU's complete state: captured once from the template, restored into every fork.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kvm/uapi.h"
#include "kvm/vm.h"

namespace zb {

struct VcpuState {
  kvm_regs regs{};
  kvm_sregs sregs{};
  kvm_xcrs xcrs{};
  kvm_debugregs debugregs{};
  kvm_lapic_state lapic{};
  kvm_vcpu_events events{};
  kvm_mp_state mp_state{};
  // XSAVE area as KVM_GET_XSAVE2 gives it: Kvm::xsave_bytes() long.
  std::vector<uint8_t> xsave;
  // Every MSR of KVM_GET_MSR_INDEX_LIST that reads and writes back here, except the TSC and the
  // deadline, which are kept apart because their restoration depends on the time of the restore.
  std::vector<kvm_msr_entry> msrs;
  uint64_t tsc = 0;
  uint64_t tsc_deadline = 0;
  // kvm-clock, nanoseconds.
  uint64_t clock_ns = 0;
};

// Reads everything. The vCPU must be at an instruction boundary (Vcpu::CompleteExit).
VcpuState CaptureVcpuState(const Vm& vm, const Vcpu& vcpu);

// Writes everything but TSC_DEADLINE, in the one order that works:
//   clock          before the vCPU first runs
//   TSC offset     before any timer is armed against it
//   SREGS          sets APIC_BASE, which LAPIC needs, and CR4/EFER, which XCRS and XSAVE need
//   XCRS, XSAVE    XCR0 says which components XSAVE may hold
//   LAPIC          its timer's mode decides whether KVM accepts TSC_DEADLINE
//   MSRs           count checked
//   REGS           clears pending exceptions, so before
//   VCPU_EVENTS, DEBUGREGS, MP_STATE
// TSC_DEADLINE comes last and from the caller (Timer deferral): KVM drops the write silently while
// the LVT is not in deadline mode. Returns the TSC offset: guest TSC = host TSC + offset.
// `msrs` are those of `state` that are to be written.
uint64_t RestoreVcpuState(const Vm& vm, Vcpu& vcpu, const VcpuState& state, std::span<const kvm_msr_entry> msrs);

// Whether a guest that goes on does without it, although it may differ. Documentation/virt/kvm/x86/msr.rst: the old
// numbers of kvm-clock's two addresses are the new ones once more, and a write of the wall clock's has KVM write to
// the guest's memory what a kernel reads when it boots.
bool NeedsNoWriting(uint32_t msr);

// Of `msrs` those which a guest that goes on needs and a vCPU of this host does not have by itself: one in eight. To
// be asked anew by each process, because another version of KVM may begin with others. Makes and drops a VM.
std::vector<kvm_msr_entry> MsrsToRestore(std::span<const kvm_msr_entry> msrs,
                                         const std::function<void(Vcpu&)>& prepare);

// Programs the deadline and reads it back: KVM reports success for a write it has dropped.
// Throws kKvmFailed when a non-zero deadline in the future did not stick.
void ArmTscDeadline(Vcpu& vcpu, uint64_t deadline);

inline constexpr uint32_t kMsrTsc = 0x10;
inline constexpr uint32_t kMsrTscDeadline = 0x6e0;

}  // namespace zb
