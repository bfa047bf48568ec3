#include "devices/ioapic.h"

#include "harness.h"

namespace zb {
namespace {

constexpr uint64_t kSelect = 0x00, kWindow = 0x10;

void WriteRegister(Ioapic& ioapic, uint32_t index, uint32_t value) {
  ioapic.Write(kSelect, index);
  ioapic.Write(kWindow, value);
}
uint32_t ReadRegister(Ioapic& ioapic, uint32_t index) {
  ioapic.Write(kSelect, index);
  return ioapic.Read(kWindow);
}
void Program(Ioapic& ioapic, uint8_t pin, uint64_t entry) {
  WriteRegister(ioapic, 0x10 + 2u * pin + 1, static_cast<uint32_t>(entry >> 32));
  WriteRegister(ioapic, 0x10 + 2u * pin, static_cast<uint32_t>(entry));
}

TEST(ioapic_names_its_version_and_number_of_pins) {
  Ioapic ioapic;
  EXPECT_EQ(ReadRegister(ioapic, 1), 0x00170011);
}

TEST(ioapic_id_has_four_bits) {
  Ioapic ioapic;
  EXPECT_EQ(ReadRegister(ioapic, 0), 0x01000000);
  WriteRegister(ioapic, 0, 0xffffffff);
  EXPECT_EQ(ReadRegister(ioapic, 0), 0x0f000000);
  EXPECT_EQ(ReadRegister(ioapic, 2), 0x0f000000);
}

TEST(ioapic_pins_are_masked_at_power_on) {
  Ioapic ioapic;
  for (uint8_t pin = 0; pin < Ioapic::kPins; pin++) EXPECT(!ioapic.RisingEdge(pin));
}

TEST(ioapic_translates_a_redirection_entry_into_a_message) {
  Ioapic ioapic;
  Program(ioapic, 4, 0x0300000000000024);  // physical destination 3, fixed, vector 0x24
  const auto msi = ioapic.RisingEdge(4);
  EXPECT(msi.has_value());
  EXPECT_EQ(msi->address, 0xfee03000);
  EXPECT_EQ(msi->data, 0x24);
}

TEST(ioapic_carries_destination_mode_and_delivery_mode) {
  Ioapic ioapic;
  Program(ioapic, 3, 0xff00000000000933);  // logical, lowest priority, destination 0xff
  const auto msi = ioapic.RisingEdge(3);
  EXPECT(msi.has_value());
  EXPECT_EQ(msi->address, 0xfeeff004);
  EXPECT_EQ(msi->data, 0x133);
}

TEST(ioapic_masks_and_unmasks_a_pin) {
  Ioapic ioapic;
  Program(ioapic, 4, 0x10024);
  EXPECT(!ioapic.RisingEdge(4));
  WriteRegister(ioapic, 0x18, 0x24);
  EXPECT(ioapic.RisingEdge(4).has_value());
  EXPECT(!ioapic.RisingEdge(5));
}

TEST(ioapic_status_bits_are_read_only) {
  Ioapic ioapic;
  Program(ioapic, 0, 0xffffffffffffffff);
  EXPECT_EQ(ReadRegister(ioapic, 0x10), 0xffffafff);
  EXPECT_EQ(ReadRegister(ioapic, 0x11), 0xffffffff);
}

TEST(ioapic_ignores_what_is_out_of_range) {
  Ioapic ioapic;
  for (uint32_t index = 0x10 + 2 * Ioapic::kPins; index < 0x200; index++) {
    // The select register has eight bits: 0x110 is 0x10 again.
    if ((index & 0xff) < 0x40) continue;
    WriteRegister(ioapic, index, 0x24);
    EXPECT_EQ(ReadRegister(ioapic, index), 0);
  }
  for (uint32_t index = 3; index < 0x10; index++) {
    WriteRegister(ioapic, index, 0xffffffff);
    EXPECT_EQ(ReadRegister(ioapic, index), 0);
  }
  EXPECT_EQ(ioapic.Read(0x20), 0);
  ioapic.Write(0x20, 0xffffffff);
  ioapic.Write(0xffc, 0xffffffff);
  EXPECT(!ioapic.RisingEdge(Ioapic::kPins));
  EXPECT(!ioapic.RisingEdge(255));
  for (uint8_t pin = 0; pin < Ioapic::kPins; pin++) EXPECT(!ioapic.RisingEdge(pin));
}

TEST(ioapic_restores_its_table) {
  Ioapic ioapic;
  Program(ioapic, 23, 0x31);
  ioapic.Write(kSelect, 1);
  Ioapic copy;
  copy.Restore(ioapic.Save());
  EXPECT_EQ(copy.Read(kSelect), 1);
  EXPECT(copy.RisingEdge(23).has_value());
}

}  // namespace
}  // namespace zb
