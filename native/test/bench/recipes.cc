#include "recipes.h"

#include "figures.h"
#include "kvm/msr_batch.h"
#include "machine/long_mode.h"

namespace zb::bench {
namespace {

// Intel 8254: its clock, and the mode of a periodic timer.
constexpr uint32_t kPitHz = 1'193'182;
constexpr uint8_t kPitRateGenerator = 2;
// CONFIG_HZ of our guest kernel.
constexpr uint32_t kGuestHz = 100;

// A guest that has a PIT has it ticking, so a restored one ticks: a host timer that fires whether the guest
// runs or not. Its line stays masked here, because the guest was booted without one: no guest code runs for it.
void RestorePit(const Vm& vm) {
  kvm_pit_state2 pit{};
  ZB_IOCTL(vm.fd(), KVM_GET_PIT2, &pit);
  pit.channels[0].count = kPitHz / kGuestHz;
  pit.channels[0].mode = kPitRateGenerator;
  pit.channels[0].gate = 1;
  ZB_IOCTL(vm.fd(), KVM_SET_PIT2, &pit);
}

// The template's IOAPIC lives in user space; here the guest finds it in the kernel. As the original does it:
// KVM's own state, overwritten with the guest's.
void RestoreIoapic(const Vm& vm, const Ioapic::State& state) {
  kvm_irqchip irqchip{};
  irqchip.chip_id = KVM_IRQCHIP_IOAPIC;
  ZB_IOCTL(vm.fd(), KVM_GET_IRQCHIP, &irqchip);
  for (size_t pin = 0; pin < Ioapic::kPins; pin++) irqchip.chip.ioapic.redirtbl[pin].bits = state.redirection[pin];
  irqchip.chip.ioapic.ioregsel = state.select;
  irqchip.chip.ioapic.id = state.id;
  ZB_IOCTL(vm.fd(), KVM_SET_IRQCHIP, &irqchip);
}

Vm CreateZerobootWay(const GuestMemory& memory, const DeviceState& devices, bool memory_first) {
  Vm vm;
  if (memory_first) vm.SetMemory(0, 0, memory.base(), memory.layout().total_bytes());
  ZB_IOCTL(vm.fd(), KVM_CREATE_IRQCHIP, 0UL);
  const kvm_pit_config config{};
  ZB_IOCTL(vm.fd(), KVM_CREATE_PIT2, &config);
  RestoreIoapic(vm, devices.ioapic);
  RestorePit(vm);
  if (!memory_first) vm.SetMemory(0, 0, memory.base(), memory.layout().total_bytes());
  return vm;
}

}  // namespace

double MeasureFloor(const Template& source) {
  const VcpuState& state = source.vcpu();
  MsrBatch msrs(source.msrs_to_restore());
  const Stopwatch watch;
  const GuestMemory memory(source.info().layout(), source.ram_fd(), *source.root(), MemorySharing::kPrivate);
  Vm vm;
  vm.SetMemory(0, 0, memory.base(), memory.layout().covered_bytes());
  vm.CreateSplitIrqchip();
  Vcpu vcpu(vm);
  SetCpuid(vcpu, source.cpuid());
  vcpu.SetSregs(state.sregs);
  ZB_IOCTL(vcpu.fd(), KVM_SET_XSAVE, state.xsave.data());
  ZB_IOCTL(vcpu.fd(), KVM_SET_LAPIC, &state.lapic);
  const int written = ZB_IOCTL(vcpu.fd(), KVM_SET_MSRS, msrs.argument());
  vcpu.SetRegs(state.regs);
  const double microseconds = watch.microseconds();
  if (static_cast<size_t>(written) != msrs.count()) {
    throw EngineError(ErrorCode::kKvmFailed, "KVM_SET_MSRS took only some of the MSRs", "KVM_SET_MSRS", 0);
  }
  return microseconds;
}

ForkedVm::Options ZerobootWay(std::shared_ptr<const Template> source, bool memory_first) {
  return {.prefault = false,
          .create_vm = [source = std::move(source), memory_first](
                           const GuestMemory& memory,
                           BootQuirks*) { return CreateZerobootWay(memory, source->devices(), memory_first); },
          .defer_ticks = false,
          .all_msrs = true};
}

}  // namespace zb::bench
