#include "devices/ioapic.h"

namespace zb {
namespace {

// Intel 82093AA datasheet, 3.0.
constexpr uint64_t kRegisterSelect = 0x00;
constexpr uint64_t kWindow = 0x10;
constexpr uint32_t kIndexId = 0;
constexpr uint32_t kIndexVersion = 1;
constexpr uint32_t kIndexArbitration = 2;
constexpr uint32_t kIndexRedirection = 0x10;
constexpr uint32_t kVersion = 0x11 | (uint32_t{Ioapic::kPins - 1} << 16);
// Delivery status and remote IRR are read-only.
constexpr uint64_t kWritable = ~((1ULL << 12) | (1ULL << 14));

constexpr uint32_t kMsiBase = 0xfee00000;

}  // namespace

uint32_t Ioapic::Read(uint64_t offset) const {
  if (offset == kRegisterSelect) return state_.select;
  if (offset != kWindow) return 0;
  switch (state_.select) {
    case kIndexId:
    case kIndexArbitration:
      return state_.id << 24;
    case kIndexVersion:
      return kVersion;
    default:
      break;
  }
  if (state_.select < kIndexRedirection) return 0;
  const uint32_t index = state_.select - kIndexRedirection;
  if (index / 2 >= kPins) return 0;
  return static_cast<uint32_t>(state_.redirection[index / 2] >> ((index & 1) * 32));
}

void Ioapic::Write(uint64_t offset, uint32_t value) {
  if (offset == kRegisterSelect) {
    state_.select = value & 0xff;
    return;
  }
  if (offset != kWindow) return;
  if (state_.select == kIndexId) {
    state_.id = (value >> 24) & 0xf;
    return;
  }
  if (state_.select < kIndexRedirection) return;
  const uint32_t index = state_.select - kIndexRedirection;
  if (index / 2 >= kPins) return;
  uint64_t& entry = state_.redirection[index / 2];
  const uint64_t shift = (index & 1) * 32;
  entry = ((entry & ~(0xffffffffULL << shift)) | (static_cast<uint64_t>(value) << shift)) & kWritable;
}

std::optional<Ioapic::Msi> Ioapic::RisingEdge(uint8_t pin) const {
  if (pin >= kPins) return std::nullopt;
  const uint64_t entry = state_.redirection[pin];
  if ((entry & kMasked) != 0) return std::nullopt;
  // Redirection entry to MSI format: Intel SDM volume 3, "Message Signalled Interrupts".
  const auto destination = static_cast<uint32_t>(entry >> 56);
  const auto logical = static_cast<uint32_t>((entry >> 11) & 1);
  const auto vector_and_mode = static_cast<uint32_t>(entry & 0x7ff);
  return Msi{.address = kMsiBase | (destination << 12) | (logical << 2), .data = vector_and_mode};
}

}  // namespace zb
