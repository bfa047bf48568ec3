// One virtual machine: memory, KVM objects, devices, and what each VM exit means.
//
// Owned by a GuestRunner and used on its vCPU thread alone. Members are declared so that destruction
// ends the vCPU, then the VM, then the memory under them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "devices/console.h"
#include "devices/ioapic.h"
#include "devices/legacy_ports.h"
#include "devices/link.h"
#include "devices/uart_16550.h"
#include "hosts/host.h"
#include "kvm/vcpu_state.h"
#include "kvm/vm.h"
#include "machine/exit_counts.h"
#include "machine/guest_memory.h"

namespace zb {

enum class EndReason {
  kClosed,
  kGuestPanic,
  kGuestReset,
  kTripleFault,
  kAgentExited,
  kOutOfMemory,
  kProtocolViolation,
  kEmulationFailure,
  kIdentityRefused,
  kKvmFailed,
  kForkFailed,
};
// As in native/engine.ts: "guest_panic".
const char* EndReasonName(EndReason reason);

struct MachineEnd {
  EndReason reason = EndReason::kClosed;
  std::string detail;
};

// Device state that belongs to a template.
struct DeviceState {
  Uart16550::State com1;
  Uart16550::State com2;
  Ioapic::State ioapic;
  Link::State link;
  uint32_t pci_address = 0;
};

class Machine {
 public:
  // What the vCPU thread does next.
  enum class Next {
    kRun,          // enter the guest again
    kInterrupted,  // a kick or a timer brought the thread out of the guest
    kDoorbell,     // the transmit ring has something
    kRx,           // an unanswered read of RX: the agent is idle
    kRxInput,      // an unanswered read of RX_INPUT: the cell waits for input
    kRxTake,       // an unanswered read of RX_TAKE: the agent takes input for the cell's children
    kTxSpace,      // an unanswered read of TX_SPACE
    kEnd,          // see end()
  };

  // Makes the VM over memory that is already mapped. The bench has others, to compare with.
  using VmFactory = std::function<Vm(const GuestMemory&, BootQuirks*)>;
  // Memory before the interrupt chip; LAPIC in the kernel, IOAPIC in user space, no PIT.
  static Vm CreateVm(const GuestMemory& memory, BootQuirks* boot_quirks);

  // `sharing` as for GuestMemory.
  Machine(const MemoryLayout& layout, int ram_fd, std::shared_ptr<const RootImage> root, MemorySharing sharing,
          BootQuirks* boot_quirks, const VmFactory& create_vm = CreateVm);

  // Enters the guest once, counts the exit and handles it. Throws EngineError (kKvmFailed).
  Next RunOnce(ExitCounts& exits);
  // Answers the pending read; the guest goes on at the next RunOnce.
  void Answer(uint32_t value);

  // Bytes for the guest's tty (Ctrl-C) and for the agent's wake-up line. False when their queues are full.
  bool SendToConsole(uint8_t byte);
  bool WakeAgent();

  void SetConsoleListener(std::function<void(uint8_t)> listener) { console_listener_ = std::move(listener); }

  DeviceState SaveDevices() const;
  void RestoreDevices(const DeviceState& state);

  GuestMemory& memory() { return memory_; }
  Vm& vm() { return vm_; }
  Vcpu& vcpu() { return vcpu_; }
  Link& link() { return link_; }
  const MachineEnd& end() const { return end_; }
  const ConsoleTail& console() const { return console_; }

 private:
  Next HandlePortIo();
  Next HandleMmio();
  Next HandleLinkRead(uint64_t offset);
  Next HandleLinkWrite(uint64_t offset, uint32_t value);
  Next HandleInternalError();
  // Gives the guest the memory that no memslot covers yet, if there is any.
  void CoverTheRest();
  // The guest's first access to it, which KVM took for a device's. Linux clears a page, or copies to it, before it
  // gives it to anybody, by instructions that KVM carries out. A program that maps memory nobody has touched from
  // /dev/mem, and goes there first by one that KVM does not, gets SIGILL.
  Next HandleUncovered(uint64_t gpa);
  Next End(EndReason reason, std::string detail);
  uint32_t ReadPort(uint16_t port, uint32_t bytes);
  // True when the guest reset itself.
  bool WritePort(uint16_t port, uint32_t value, uint32_t bytes);
  void UpdateLine(Uart16550& uart, bool& level, uint8_t irq);

  std::shared_ptr<const RootImage> root_;
  GuestMemory memory_;
  Vm vm_;
  Vcpu vcpu_;
  bool rest_covered_ = false;
  BootQuirks* boot_quirks_;
  Link link_;
  Uart16550 com1_, com2_;
  bool com1_level_ = false, com2_level_ = false;
  Ioapic ioapic_;
  LegacyPorts ports_;
  ConsoleTail console_;
  std::function<void(uint8_t)> console_listener_;
  MachineEnd end_;
};

}  // namespace zb
