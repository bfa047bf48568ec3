// The user-space half of the split interrupt chip: an 82093AA IOAPIC whose pins become MSIs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace zb {

class Ioapic {
 public:
  static constexpr uint8_t kPins = 24;
  struct State {
    std::array<uint64_t, kPins> redirection{};
    uint32_t select = 0;
    uint32_t id = 1;  // as in the MP table
  };
  struct Msi {
    uint32_t address;
    uint32_t data;
  };

  Ioapic() {
    for (uint64_t& entry : state_.redirection) entry = kMasked;
  }

  uint32_t Read(uint64_t offset) const;
  void Write(uint64_t offset, uint32_t value);

  // The MSI for a rising edge on `pin`, unless the pin is masked. Every line here is ISA: edge-triggered.
  std::optional<Msi> RisingEdge(uint8_t pin) const;

  State Save() const { return state_; }
  void Restore(const State& state) { state_ = state; }

 private:
  static constexpr uint64_t kMasked = 1ULL << 16;
  State state_;
};

}  // namespace zb
