// The few PC ports Linux insists on: PCI configuration mechanism 1 without a device behind it, and
// the keyboard controller's reset line.
#pragma once

#include <cstdint>

namespace zb {

class LegacyPorts {
 public:
  static constexpr uint16_t kPciAddress = 0xcf8;
  static constexpr uint16_t kPciData = 0xcfc;
  static constexpr uint16_t kKeyboardController = 0x64;
  static constexpr uint8_t kResetCommand = 0xfe;

  // The value of an IN of `bytes` from `port`. Ports with nothing behind them answer all ones.
  uint32_t Read(uint16_t port) const {
    if (port == kPciAddress) return pci_address_;
    // Status 0: input buffer empty, so that a reset need not wait for it.
    if (port == kKeyboardController) return 0;
    return 0xffffffff;
  }
  // Returns true when the guest asked for a reset.
  bool Write(uint16_t port, uint32_t value, uint32_t bytes) {
    // Linux probes the mechanism by reading its address back.
    if (port == kPciAddress && bytes == 4) pci_address_ = value;
    return port == kKeyboardController && (value & 0xff) == kResetCommand;
  }

  uint32_t Save() const { return pci_address_; }
  void Restore(uint32_t pci_address) { pci_address_ = pci_address; }

 private:
  uint32_t pci_address_ = 0;
};

}  // namespace zb
