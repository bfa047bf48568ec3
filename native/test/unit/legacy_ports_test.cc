#include "devices/legacy_ports.h"

#include "devices/console.h"
#include "harness.h"

namespace zb {
namespace {

TEST(ports_read_back_the_pci_address_and_find_no_device) {
  LegacyPorts ports;
  EXPECT(!ports.Write(LegacyPorts::kPciAddress, 0x80000000, 4));
  EXPECT_EQ(ports.Read(LegacyPorts::kPciAddress), 0x80000000);
  // Only a whole write is one of the address.
  ports.Write(LegacyPorts::kPciAddress, 0x12, 1);
  EXPECT_EQ(ports.Read(LegacyPorts::kPciAddress), 0x80000000);
  EXPECT_EQ(ports.Read(LegacyPorts::kPciData), 0xffffffff);
  LegacyPorts copy;
  copy.Restore(ports.Save());
  EXPECT_EQ(copy.Read(LegacyPorts::kPciAddress), 0x80000000);
}

TEST(ports_reset_only_by_the_keyboard_controllers_command) {
  LegacyPorts ports;
  EXPECT(ports.Write(LegacyPorts::kKeyboardController, 0xfe, 1));
  EXPECT(!ports.Write(LegacyPorts::kKeyboardController, 0xd1, 1));
  EXPECT(!ports.Write(0x60, 0xfe, 1));
  EXPECT_EQ(ports.Read(LegacyPorts::kKeyboardController), 0);
  EXPECT_EQ(ports.Read(0x21), 0xffffffff);
}

TEST(console_keeps_the_last_bytes_only) {
  ConsoleTail console;
  for (int i = 0; i < 100'000; i++) console.Append(static_cast<uint8_t>('a' + i % 26));
  EXPECT_EQ(console.Text().size(), ConsoleTail::kBytes);
  EXPECT_EQ(console.Text().back(), 'a' + 99'999 % 26);
  for (const char c : std::string("Kernel panic - not syncing")) console.Append(static_cast<uint8_t>(c));
  EXPECT(console.Contains("Kernel panic"));
}

}  // namespace
}  // namespace zb
