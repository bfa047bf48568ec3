// The engine's end of the serial link: what happens to the ring in each VM exit. See link_abi.h.
//
// Runs on the vCPU's thread while the vCPU is stopped, so the ring is the engine's for the moment.
// Everything read from it is hostile: positions, lengths and kinds are checked before use, and a
// violation ends the VM with its reason.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "devices/link_abi.h"
#include "devices/link_queues.h"
#include "machine/guest_memory.h"

namespace zb {

class Link {
 public:
  // State a fork must inherit.
  struct State {
    uint32_t ready = 0;  // the agent has said READY
  };

  explicit Link(GuestMemory& memory);

  // Moves published records from the ring to `queue`, as many as fit. Returns how many bytes were moved,
  // or nothing after a protocol violation, described by violation().
  std::optional<size_t> Drain(OutputQueue& queue);
  // Puts queued records at the receive area. At most one cell is ever in the guest's hands: an EXECUTE
  // waits until the one before has sent DONE. Returns the bytes put.
  uint32_t Fill(InputQueue& queue);
  // Whether Fill would put anything.
  bool CanFill(const InputQueue& queue) const;

  // The same for standard input of the running cell alone, which the agent takes while the cell runs.
  uint32_t FillInput(InputQueue& queue);
  bool CanFillInput(const InputQueue& queue) const;

  // Before an RX read is answered with bytes: both transmit positions go to 0 if the ring is drained, so
  // that a session keeps touching the same pages.
  void ResetPositions();
  void SetArmed(bool armed);
  uint32_t TransmitSpace() const;

  // Notes in the ring that the next Ctrl-C byte is for the running cell, if that is `execution`: a new interrupt, or
  // `again` the newest one, unless the agent has seen it. Returns whether the byte is to be sent.
  bool NoteInterrupt(uint16_t execution, bool again);
  // The same for a Ctrl-Z byte, which has the agent kill every other process.
  bool NoteKill(uint16_t execution);

  // From now until the running cell ends, output that does not fit is dropped, with all that follows, and `done` says
  // truncated.
  void Discard() { discarding_ = running_ != 0; }

  bool ready() const { return state_.ready != 0; }
  // Execution id of the cell in the guest's hands, or 0.
  uint16_t running() const { return running_; }
  bool identified() const { return identified_; }
  // The payload of the READY record.
  const std::string& runtime() const { return runtime_; }
  const std::string& violation() const { return violation_; }
  // Before RX is answered WAIT, and at the next read of RX, whatever comes of that: whether the agent has found that
  // there is nothing in the guest but itself.
  void AskWhetherAlone();
  bool TakeFoundAlone();
  // Whether the agent's runtime wants to go on by itself.
  bool AgentIsBusy() const;

  State Save() const { return state_; }
  void Restore(const State& state) { state_ = state; }

 private:
  bool Violation(std::string why) {
    violation_ = std::move(why);
    return false;
  }
  // Checks one record's header; false after a violation.
  bool Admit(const zb_record& record);
  // An EXECUTE goes into the guest's hands.
  void Begin(uint16_t execution);
  void CopyOut(uint32_t position, uint8_t* target, size_t bytes) const;
  zb_ring_control* control() const;

  GuestMemory& memory_;
  uint8_t* ring_;
  State state_;
  uint16_t running_ = 0;
  bool identified_ = false;
  bool discarding_ = false;
  bool dropped_ = false;
  bool asked_whether_alone_ = false;
  // What the ring says of interrupts is written from these, and only interrupt_seen is ever read.
  uint32_t interrupt_seq_ = 0;
  uint16_t interrupt_execution_ = 0;
  std::string runtime_;
  std::string violation_;
};

}  // namespace zb
