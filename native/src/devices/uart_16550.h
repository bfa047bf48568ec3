// A 16550A UART as a pure device: no KVM, no threads. State in, state out.
//
// Threat model. The guest writes any register at any time: nothing it writes is used as an index or a
// length. Its output goes to a bounded sink that forgets its oldest bytes. Input is host-made and
// bounded (kMaxInput); the guest can only fail to read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

namespace zb {

class Uart16550 {
 public:
  // Everything a fork must inherit, or its driver waits for ever for an interrupt that never comes.
  struct State {
    uint8_t ier = 0, lcr = 0, mcr = 0, scr = 0, dll = 0, dlm = 0, fcr = 0;
    // The transmitter-empty interrupt is pending until IIR is read or THR written.
    uint8_t thre_pending = 0;
    std::array<uint8_t, 4> reserved{};
  };

  static constexpr uint16_t kPorts = 8;
  // The receive FIFO the guest sees is fed from a host-side queue of this many bytes.
  static constexpr size_t kMaxInput = 256;

  uint8_t Read(uint16_t offset);
  // Returns true when `value` is a byte the guest transmitted.
  bool Write(uint16_t offset, uint8_t value);

  // One byte for the guest to receive. False when kMaxInput bytes wait already.
  bool Receive(uint8_t byte);

  // The level of the interrupt line.
  bool InterruptLine() const;

  State Save() const { return state_; }
  void Restore(const State& state) {
    state_ = state;
    input_.clear();
  }

 private:
  uint8_t InterruptIdentification() const;

  State state_;
  std::deque<uint8_t> input_;
};

}  // namespace zb
