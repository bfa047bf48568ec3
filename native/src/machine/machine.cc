#include "machine/machine.h"

#include <cstdio>
#include <cstring>

#include "machine/long_mode.h"

namespace zb {
namespace {

constexpr uint16_t kCom1 = 0x3f8;
constexpr uint16_t kCom2 = 0x2f8;
constexpr uint8_t kCom1Irq = 4;
constexpr uint8_t kCom2Irq = 3;
constexpr uint32_t kLinkRegisterBytes = 4;
constexpr uint32_t kFirstSlot = 0;
constexpr uint32_t kRestSlot = 1;

bool InRange(uint64_t value, uint64_t start, uint64_t length) { return value >= start && value - start < length; }

}  // namespace

const char* EndReasonName(EndReason reason) {
  switch (reason) {
    case EndReason::kClosed:
      return "closed";
    case EndReason::kGuestPanic:
      return "guest_panic";
    case EndReason::kGuestReset:
      return "guest_reset";
    case EndReason::kTripleFault:
      return "triple_fault";
    case EndReason::kAgentExited:
      return "agent_exited";
    case EndReason::kOutOfMemory:
      return "out_of_memory";
    case EndReason::kProtocolViolation:
      return "protocol_violation";
    case EndReason::kEmulationFailure:
      return "emulation_failure";
    case EndReason::kIdentityRefused:
      return "identity_refused";
    case EndReason::kKvmFailed:
      return "kvm_failed";
    case EndReason::kForkFailed:
      return "fork_failed";
  }
  return "kvm_failed";
}

Vm Machine::CreateVm(const GuestMemory& memory, BootQuirks* boot_quirks) {
  Vm vm;
  vm.SetMemory(kFirstSlot, 0, memory.base(), memory.layout().covered_bytes());
  vm.CreateSplitIrqchip();
  vm.DisableHaltPolling();
  if (boot_quirks != nullptr) boot_quirks->PrepareVm(vm);
  return vm;
}

Machine::Machine(const MemoryLayout& layout, int ram_fd, std::shared_ptr<const RootImage> root, MemorySharing sharing,
                 BootQuirks* boot_quirks, const VmFactory& create_vm)
    : root_(std::move(root)),
      memory_(layout, ram_fd, *root_, sharing),
      vm_(create_vm(memory_, boot_quirks)),
      vcpu_(vm_),
      boot_quirks_(boot_quirks),
      link_(memory_) {}

Machine::Next Machine::End(EndReason reason, std::string detail) {
  end_ = {.reason = reason, .detail = std::move(detail)};
  return Next::kEnd;
}

Machine::Next Machine::RunOnce(ExitCounts& exits) {
  if (vcpu_.Run() == Vcpu::RunResult::kInterrupted) return Next::kInterrupted;
  kvm_run& run = *vcpu_.run();
  exits.Add(run.exit_reason);
  switch (run.exit_reason) {
    case KVM_EXIT_IO:
      return HandlePortIo();
    case KVM_EXIT_MMIO:
      return HandleMmio();
    case KVM_EXIT_IOAPIC_EOI:
      // Every line is edge-triggered: nothing waits for its end.
      return Next::kRun;
    case KVM_EXIT_X86_WRMSR:
      if (boot_quirks_ != nullptr && boot_quirks_->HandleMsrWrite(vcpu_, memory_)) return Next::kRun;
      return End(EndReason::kEmulationFailure, "unexpected write of MSR " + std::to_string(run.msr.index));
    case KVM_EXIT_INTERNAL_ERROR:
      return HandleInternalError();
    case KVM_EXIT_SHUTDOWN:
      return End(EndReason::kTripleFault, "the guest took a triple fault");
    case KVM_EXIT_SYSTEM_EVENT:
      return End(EndReason::kGuestReset, "the guest asked for system event " + std::to_string(run.system_event.type));
    case KVM_EXIT_FAIL_ENTRY:
      return End(EndReason::kKvmFailed, "KVM could not enter the guest: hardware reason " +
                                            std::to_string(run.fail_entry.hardware_entry_failure_reason));
    case KVM_EXIT_INTR:
      return Next::kInterrupted;
    default:
      return End(EndReason::kKvmFailed, "unhandled VM exit " + std::to_string(run.exit_reason));
  }
}

void Machine::Answer(uint32_t value) { std::memcpy(vcpu_.run()->mmio.data, &value, sizeof(value)); }

void Machine::UpdateLine(Uart16550& uart, bool& level, uint8_t irq) {
  const bool now = uart.InterruptLine();
  const bool rises = now && !level;
  level = now;
  if (!rises) return;
  if (const auto msi = ioapic_.RisingEdge(irq)) vm_.SignalMsi(msi->address, msi->data);
}

bool Machine::SendToConsole(uint8_t byte) {
  const bool sent = com1_.Receive(byte);
  UpdateLine(com1_, com1_level_, kCom1Irq);
  return sent;
}

bool Machine::WakeAgent() {
  const bool sent = com2_.Receive(0);
  UpdateLine(com2_, com2_level_, kCom2Irq);
  return sent;
}

uint32_t Machine::ReadPort(uint16_t port, uint32_t bytes) {
  if (bytes == 1 && InRange(port, kCom1, Uart16550::kPorts)) {
    const uint8_t value = com1_.Read(port - kCom1);
    UpdateLine(com1_, com1_level_, kCom1Irq);
    return value;
  }
  if (bytes == 1 && InRange(port, kCom2, Uart16550::kPorts)) {
    const uint8_t value = com2_.Read(port - kCom2);
    UpdateLine(com2_, com2_level_, kCom2Irq);
    return value;
  }
  return ports_.Read(port);
}

bool Machine::WritePort(uint16_t port, uint32_t value, uint32_t bytes) {
  if (bytes == 1 && InRange(port, kCom1, Uart16550::kPorts)) {
    if (com1_.Write(port - kCom1, static_cast<uint8_t>(value))) {
      console_.Append(static_cast<uint8_t>(value));
      if (console_listener_) console_listener_(static_cast<uint8_t>(value));
    }
    UpdateLine(com1_, com1_level_, kCom1Irq);
    return false;
  }
  if (bytes == 1 && InRange(port, kCom2, Uart16550::kPorts)) {
    (void)com2_.Write(port - kCom2, static_cast<uint8_t>(value));
    UpdateLine(com2_, com2_level_, kCom2Irq);
    return false;
  }
  return ports_.Write(port, value, bytes);
}

Machine::Next Machine::HandlePortIo() {
  kvm_run& run = *vcpu_.run();
  const uint32_t bytes = run.io.size;
  // SAFETY: KVM places io.count items of io.size bytes at data_offset of the run area it mapped for us.
  uint8_t* data = reinterpret_cast<uint8_t*>(&run) + run.io.data_offset;
  for (uint32_t i = 0; i < run.io.count; i++, data += bytes) {
    if (run.io.direction == KVM_EXIT_IO_IN) {
      const uint32_t value = ReadPort(run.io.port, bytes);
      std::memcpy(data, &value, bytes);
    } else {
      uint32_t value = 0;
      std::memcpy(&value, data, bytes);
      if (WritePort(run.io.port, value, bytes)) {
        const bool panic = console_.Contains("Kernel panic");
        return End(panic ? EndReason::kGuestPanic : EndReason::kGuestReset,
                   panic ? "the guest's kernel panicked" : "the guest reset itself");
      }
    }
  }
  return Next::kRun;
}

Machine::Next Machine::HandleMmio() {
  kvm_run& run = *vcpu_.run();
  const uint64_t gpa = run.mmio.phys_addr;
  const bool write = run.mmio.is_write != 0;
  uint32_t value = 0;
  if (write) std::memcpy(&value, run.mmio.data, std::min<uint32_t>(run.mmio.len, sizeof(value)));
  if (InRange(gpa, ZB_LINK_MMIO_GPA, ZB_LINK_MMIO_BYTES)) {
    const uint64_t offset = gpa - ZB_LINK_MMIO_GPA;
    if (run.mmio.len != kLinkRegisterBytes || offset % kLinkRegisterBytes != 0) {
      return End(EndReason::kProtocolViolation, "an access to the link of " + std::to_string(run.mmio.len) +
                                                    " bytes at offset " + std::to_string(offset));
    }
    return write ? HandleLinkWrite(offset, value) : HandleLinkRead(offset);
  }
  if (InRange(gpa, kIoapicGpa, kPageBytes)) {
    if (write) {
      ioapic_.Write(gpa - kIoapicGpa, value);
    } else {
      Answer(ioapic_.Read(gpa - kIoapicGpa));
    }
    return Next::kRun;
  }
  if (memory_.At(gpa, run.mmio.len)) return HandleUncovered(gpa);
  // Nothing there: reads answer all ones, writes are lost, as on a bus.
  if (!write) std::memset(run.mmio.data, 0xff, sizeof(run.mmio.data));
  return Next::kRun;
}

void Machine::CoverTheRest() {
  const MemoryLayout& layout = memory_.layout();
  const uint64_t covered = layout.covered_bytes();
  if (rest_covered_ || covered == layout.total_bytes()) return;
  vm_.SetMemory(kRestSlot, covered, memory_.base() + covered, layout.total_bytes() - covered);
  rest_covered_ = true;
}

Machine::Next Machine::HandleUncovered(uint64_t gpa) {
  CoverTheRest();
  // This access is ours to carry out, the next ones are KVM's. It comes in pieces, each an exit, where it is longer
  // than 8 bytes or crosses a page; all but the first find the rest covered.
  kvm_run& run = *vcpu_.run();
  const std::span<uint8_t> bytes = *memory_.At(gpa, run.mmio.len);
  if (run.mmio.is_write != 0) {
    std::memcpy(bytes.data(), run.mmio.data, bytes.size());
  } else {
    std::memcpy(run.mmio.data, bytes.data(), bytes.size());
  }
  return Next::kRun;
}

Machine::Next Machine::HandleLinkRead(uint64_t offset) {
  switch (offset) {
    case ZB_REG_ID:
      Answer(ZB_LINK_ID);
      return Next::kRun;
    case ZB_REG_VERSION:
      Answer(ZB_LINK_ABI_VERSION);
      return Next::kRun;
    case ZB_REG_RING_PFN:
      Answer(static_cast<uint32_t>(memory_.layout().ring_gpa() / kPageBytes));
      return Next::kRun;
    case ZB_REG_RX:
      return Next::kRx;
    case ZB_REG_RX_INPUT:
      return Next::kRxInput;
    case ZB_REG_RX_TAKE:
      return Next::kRxTake;
    case ZB_REG_TX_SPACE:
      return Next::kTxSpace;
    default:
      return End(EndReason::kProtocolViolation, "a read of link register " + std::to_string(offset));
  }
}

Machine::Next Machine::HandleLinkWrite(uint64_t offset, uint32_t value) {
  switch (offset) {
    case ZB_REG_DOORBELL:
      return Next::kDoorbell;
    case ZB_REG_AGENT_EXIT:
      if ((value & ZB_AGENT_EXIT_OUT_OF_MEMORY) != 0) {
        return End(EndReason::kOutOfMemory, "the guest's kernel killed the runtime for want of memory");
      }
      if ((value & ZB_AGENT_EXIT_SIGNALLED) != 0) {
        return End(EndReason::kAgentExited, "the runtime was ended by signal " + std::to_string(value & 0xff));
      }
      return End(EndReason::kAgentExited, "the runtime ended with exit code " + std::to_string(value & 0xff));
    default:
      return End(EndReason::kProtocolViolation, "a write of link register " + std::to_string(offset));
  }
}

Machine::Next Machine::HandleInternalError() {
  if (Host::Current().HandleEmulationFailure(vcpu_, memory_)) return Next::kRun;
  const kvm_run& run = *vcpu_.run();
  std::string detail = "KVM internal error " + std::to_string(run.internal.suberror) + ", instruction";
  for (uint32_t i = 1; i < run.internal.ndata && i < 3; i++) {
    char word[32];
    std::snprintf(word, sizeof(word), " %016llx", static_cast<unsigned long long>(run.internal.data[i]));
    detail += word;
  }
  char at[64];
  std::snprintf(at, sizeof(at), " at %016llx", static_cast<unsigned long long>(vcpu_.GetRegs().rip));
  return End(EndReason::kEmulationFailure, detail + at);
}

DeviceState Machine::SaveDevices() const {
  return {.com1 = com1_.Save(),
          .com2 = com2_.Save(),
          .ioapic = ioapic_.Save(),
          .link = link_.Save(),
          .pci_address = ports_.Save()};
}

void Machine::RestoreDevices(const DeviceState& state) {
  com1_.Restore(state.com1);
  com2_.Restore(state.com2);
  com1_level_ = com1_.InterruptLine();
  com2_level_ = com2_.InterruptLine();
  ioapic_.Restore(state.ioapic);
  link_.Restore(state.link);
  ports_.Restore(state.pci_address);
}

}  // namespace zb
