#include "kvm/vcpu_state.h"

#include <x86intrin.h>

#include <algorithm>
#include <unordered_map>

#include "kvm/msr_batch.h"

namespace zb {
namespace {

// KVM_GET_MSRS stops at the first index it cannot read; such an index is left out of the state.
std::vector<kvm_msr_entry> ReadMsrs(const Vcpu& vcpu) {
  std::vector<kvm_msr_entry> wanted;
  for (const uint32_t index : Kvm::Get().msr_indices()) {
    if (index == kMsrTsc || index == kMsrTscDeadline) continue;
    wanted.push_back({.index = index, .reserved = 0, .data = 0});
  }
  std::vector<kvm_msr_entry> result;
  std::span<const kvm_msr_entry> left(wanted);
  while (!left.empty()) {
    MsrBatch batch(left);
    const auto read = static_cast<size_t>(ZB_IOCTL(vcpu.fd(), KVM_GET_MSRS, batch.argument()));
    for (size_t i = 0; i < read; i++) result.push_back(batch.entry(i));
    left = left.subspan(std::min(read + 1, left.size()));
  }
  return result;
}

// Keeps only the MSRs this vCPU takes back: some may be read but not written.
std::vector<kvm_msr_entry> KeepWritable(const Vcpu& vcpu, std::vector<kvm_msr_entry> entries) {
  size_t start = 0;
  while (start < entries.size()) {
    MsrBatch batch(std::span<const kvm_msr_entry>(entries).subspan(start));
    start += static_cast<size_t>(ZB_IOCTL(vcpu.fd(), KVM_SET_MSRS, batch.argument()));
    if (start < entries.size()) entries.erase(entries.begin() + static_cast<ptrdiff_t>(start));
  }
  return entries;
}

// The offset attribute leaves no room for KVM to take a TSC write within a second of the vCPU's
// creation for a wish to synchronise (kernels before 6.7). Documentation/virt/kvm/devices/vcpu.rst.
bool SetTscOffset(const Vcpu& vcpu, uint64_t offset) {
  kvm_device_attr attribute{};
  attribute.group = KVM_VCPU_TSC_CTRL;
  attribute.attr = KVM_VCPU_TSC_OFFSET;
  attribute.addr = reinterpret_cast<uint64_t>(&offset);
  return TryIoctl(vcpu.fd(), KVM_SET_DEVICE_ATTR, &attribute) == 0;
}

}  // namespace

bool NeedsNoWriting(uint32_t msr) {
  constexpr uint32_t kWallClock = 0x11, kSystemTime = 0x12, kWallClockNew = 0x4b564d00;
  return msr == kWallClock || msr == kSystemTime || msr == kWallClockNew;
}

VcpuState CaptureVcpuState(const Vm& vm, const Vcpu& vcpu) {
  VcpuState state;
  // MP_STATE first: reading it makes KVM settle pending INIT/SIPI into the other state.
  ZB_IOCTL(vcpu.fd(), KVM_GET_MP_STATE, &state.mp_state);
  state.regs = vcpu.GetRegs();
  state.sregs = vcpu.GetSregs();
  ZB_IOCTL(vcpu.fd(), KVM_GET_XCRS, &state.xcrs);
  state.xsave.resize(Kvm::Get().xsave_bytes());
  if (Kvm::Get().Capability(KVM_CAP_XSAVE2) > 0) {
    ZB_IOCTL(vcpu.fd(), KVM_GET_XSAVE2, state.xsave.data());
  } else {
    ZB_IOCTL(vcpu.fd(), KVM_GET_XSAVE, state.xsave.data());
  }
  ZB_IOCTL(vcpu.fd(), KVM_GET_DEBUGREGS, &state.debugregs);
  ZB_IOCTL(vcpu.fd(), KVM_GET_LAPIC, &state.lapic);
  state.tsc_deadline = vcpu.GetMsr(kMsrTscDeadline);
  state.tsc = vcpu.GetMsr(kMsrTsc);
  state.clock_ns = vm.ReadClock();
  state.msrs = KeepWritable(vcpu, ReadMsrs(vcpu));
  // Last: reading it is what a pending exception survives.
  ZB_IOCTL(vcpu.fd(), KVM_GET_VCPU_EVENTS, &state.events);
  return state;
}

std::vector<kvm_msr_entry> MsrsToRestore(std::span<const kvm_msr_entry> msrs,
                                         const std::function<void(Vcpu&)>& prepare) {
  Vm vm;
  vm.CreateSplitIrqchip();
  Vcpu vcpu(vm);
  prepare(vcpu);
  std::unordered_map<uint32_t, uint64_t> fresh;
  for (const kvm_msr_entry& entry : ReadMsrs(vcpu)) fresh[entry.index] = entry.data;
  std::vector<kvm_msr_entry> result;
  for (const kvm_msr_entry& entry : msrs) {
    if (NeedsNoWriting(entry.index)) continue;
    const auto own = fresh.find(entry.index);
    if (own == fresh.end() || own->second != entry.data) result.push_back(entry);
  }
  return result;
}

uint64_t RestoreVcpuState(const Vm& vm, Vcpu& vcpu, const VcpuState& state, std::span<const kvm_msr_entry> msrs) {
  kvm_clock_data clock{};
  clock.clock = state.clock_ns;
  ZB_IOCTL(vm.fd(), KVM_SET_CLOCK, &clock);
  if (!SetTscOffset(vcpu, state.tsc - __rdtsc())) vcpu.SetMsr(kMsrTsc, state.tsc);
  // Asked, not assumed: a host that cannot offset the TSC reports success for both.
  const uint64_t tsc_offset = vcpu.GetMsr(kMsrTsc) - __rdtsc();

  vcpu.SetSregs(state.sregs);
  ZB_IOCTL(vcpu.fd(), KVM_SET_XCRS, &state.xcrs);
  ZB_IOCTL(vcpu.fd(), KVM_SET_XSAVE, state.xsave.data());
  ZB_IOCTL(vcpu.fd(), KVM_SET_LAPIC, &state.lapic);

  MsrBatch batch(msrs);
  const auto written = static_cast<size_t>(ZB_IOCTL(vcpu.fd(), KVM_SET_MSRS, batch.argument()));
  if (written != msrs.size()) {
    throw EngineError(ErrorCode::kKvmFailed, "KVM_SET_MSRS stopped at MSR index " + std::to_string(msrs[written].index),
                      "KVM_SET_MSRS", 0);
  }

  vcpu.SetRegs(state.regs);
  ZB_IOCTL(vcpu.fd(), KVM_SET_VCPU_EVENTS, &state.events);
  // All-zero debug registers but DR6/DR7's fixed bits are what a new vCPU has.
  if ((state.debugregs.dr7 & 0xff) != 0) ZB_IOCTL(vcpu.fd(), KVM_SET_DEBUGREGS, &state.debugregs);
  if (state.mp_state.mp_state != KVM_MP_STATE_RUNNABLE) ZB_IOCTL(vcpu.fd(), KVM_SET_MP_STATE, &state.mp_state);
  return tsc_offset;
}

void ArmTscDeadline(Vcpu& vcpu, uint64_t deadline) {
  vcpu.SetMsr(kMsrTscDeadline, deadline);
  if (deadline == 0 || vcpu.GetMsr(kMsrTscDeadline) != 0) return;
  // Zero may also mean that the timer has fired since; only a deadline still ahead was dropped.
  if (vcpu.GetMsr(kMsrTsc) < deadline) {
    throw EngineError(ErrorCode::kKvmFailed, "KVM dropped the TSC deadline: the guest would have no timer",
                      "KVM_SET_MSRS", 0);
  }
}

}  // namespace zb
