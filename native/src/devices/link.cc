#include "devices/link.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace zb {
namespace {

constexpr uint32_t kRingMask = ZB_TX_BYTES - 1;
static_assert((ZB_TX_BYTES & kRingMask) == 0, "ring offsets are positions modulo a power of two");
static_assert(ZB_RX_OFFSET + ZB_RX_BYTES <= ZB_TX_OFFSET && ZB_TX_OFFSET + ZB_TX_BYTES <= ZB_RING_BYTES);

bool IsData(uint8_t kind) { return kind == ZB_GUEST_STDOUT || kind == ZB_GUEST_STDERR || kind == ZB_GUEST_DISPLAY; }

std::string Hex(unsigned value) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%02x", value);
  return text;
}

}  // namespace

Link::Link(GuestMemory& memory)
    : memory_(memory), ring_(memory.At(memory.layout().ring_gpa(), ZB_RING_BYTES)->data()) {}

// SAFETY: the ring lies inside the VM's own mapping for as long as memory_ lives, page-aligned.
zb_ring_control* Link::control() const { return reinterpret_cast<zb_ring_control*>(ring_); }

void Link::CopyOut(uint32_t position, uint8_t* target, size_t bytes) const {
  const size_t offset = position & kRingMask;
  const size_t first = std::min<size_t>(bytes, ZB_TX_BYTES - offset);
  std::memcpy(target, ring_ + ZB_TX_OFFSET + offset, first);
  std::memcpy(target + first, ring_ + ZB_TX_OFFSET, bytes - first);
}

bool Link::Admit(const zb_record& record) {
  if (record.kind < ZB_GUEST_KIND_FIRST || record.kind > ZB_GUEST_KIND_LAST) {
    return Violation("record of unknown kind " + Hex(record.kind));
  }
  if (record.length > ZB_MAX_GUEST_PAYLOAD) {
    return Violation("record of " + std::to_string(record.length) + " bytes");
  }
  switch (record.kind) {
    case ZB_GUEST_READY:
      if (state_.ready != 0) return Violation("a second READY");
      break;
    case ZB_GUEST_IDENTITY:
      if (identified_) return Violation("a second IDENTITY");
      break;
    case ZB_GUEST_STDOUT:
    case ZB_GUEST_STDERR:
    case ZB_GUEST_DISPLAY:
      // 0: threads and children that outlive their cell.
      if (record.execution != 0 && record.execution != running_) {
        return Violation("output of execution " + std::to_string(record.execution) + ", which does not run");
      }
      break;
    default:
      if (record.execution == 0 || record.execution != running_) {
        return Violation("record " + Hex(record.kind) + " of execution " + std::to_string(record.execution) +
                         ", which does not run");
      }
      if (record.kind == ZB_GUEST_DONE && record.length != sizeof(zb_done)) {
        return Violation("DONE of " + std::to_string(record.length) + " bytes");
      }
  }
  return true;
}

std::optional<size_t> Link::Drain(OutputQueue& queue) {
  const uint32_t head = std::atomic_ref<uint32_t>(control()->tx_head).load(std::memory_order_acquire);
  uint32_t tail = control()->tx_tail;
  if (head - tail > ZB_TX_BYTES) {
    Violation("transmit positions " + std::to_string(head) + " and " + std::to_string(tail));
    return std::nullopt;
  }
  size_t moved = 0;
  while (head != tail) {
    zb_record record;
    if (head - tail < sizeof(record)) {
      Violation("half a record header");
      return std::nullopt;
    }
    CopyOut(tail, reinterpret_cast<uint8_t*>(&record), sizeof(record));
    if (!Admit(record)) return std::nullopt;
    const auto record_bytes = static_cast<uint32_t>(sizeof(record)) + record.length;
    if (head - tail < record_bytes) {
      Violation("half a record");
      return std::nullopt;
    }
    // Behind what was dropped all is, or a short record that fits would stand in the middle of a long one's place.
    const bool drop = discarding_ && IsData(record.kind) && (dropped_ || !queue.Fits(record_bytes));
    if (!drop && !queue.Fits(record_bytes)) break;
    if (drop) {
      dropped_ = true;
    } else if (record.kind == ZB_GUEST_READY) {
      state_.ready = 1;
      runtime_.resize(record.length);
      CopyOut(tail + static_cast<uint32_t>(sizeof(record)), reinterpret_cast<uint8_t*>(runtime_.data()), record.length);
    } else {
      const std::span<uint8_t> target = queue.Append(record_bytes);
      CopyOut(tail, target.data(), record_bytes);
      moved += record_bytes;
      if (record.kind == ZB_GUEST_IDENTITY) identified_ = true;
      if (record.kind == ZB_GUEST_DONE) {
        if (dropped_) target[sizeof(record) + offsetof(zb_done, flags)] |= ZB_DONE_TRUNCATED;
        running_ = 0;
        discarding_ = dropped_ = false;
      }
    }
    tail += record_bytes;
    control()->tx_tail = tail;
  }
  return moved;
}

bool Link::CanFill(const InputQueue& queue) const {
  if (queue.empty()) return false;
  if (queue.front_started() || running_ == 0) return true;
  const uint8_t kind = queue.front().kind;
  return kind != ZB_HOST_EXECUTE && kind != ZB_HOST_ENV;
}

void Link::Begin(uint16_t execution) {
  running_ = execution;
  // Ids are used again: what was meant for an earlier execution of this number is not for this one.
  interrupt_execution_ = 0;
  control()->interrupt_execution = control()->kill_execution = 0;
}

bool Link::NoteInterrupt(uint16_t execution, bool again) {
  if (execution == 0 || execution != running_) return false;
  if (!again || interrupt_execution_ != execution) {
    interrupt_seq_++;
    interrupt_execution_ = execution;
  } else if (control()->interrupt_seen == interrupt_seq_) {
    return false;
  }
  control()->interrupt_seq = interrupt_seq_;
  control()->interrupt_execution = interrupt_execution_;
  return true;
}

bool Link::NoteKill(uint16_t execution) {
  if (execution == 0 || execution != running_) return false;
  control()->kill_execution = execution;
  return true;
}

uint32_t Link::Fill(InputQueue& queue) {
  uint32_t filled = 0;
  while (filled < ZB_RX_BYTES && CanFill(queue)) {
    const zb_record record = queue.front();
    if (record.kind == ZB_HOST_EXECUTE) Begin(record.execution);
    filled += static_cast<uint32_t>(queue.Take({ring_ + ZB_RX_OFFSET + filled, ZB_RX_BYTES - filled}));
  }
  return filled;
}

bool Link::CanFillInput(const InputQueue& queue) const {
  if (queue.empty() || running_ == 0) return false;
  const zb_record record = queue.front();
  return record.kind == ZB_HOST_STDIN && record.execution == running_;
}

uint32_t Link::FillInput(InputQueue& queue) {
  uint32_t filled = 0;
  while (filled < ZB_RX_BYTES && CanFillInput(queue)) {
    filled += static_cast<uint32_t>(queue.Take({ring_ + ZB_RX_OFFSET + filled, ZB_RX_BYTES - filled}));
  }
  return filled;
}

void Link::ResetPositions() {
  zb_ring_control* ring = control();
  // The agent has drained and re-reads both after RX.
  if (ring->tx_head == ring->tx_tail) ring->tx_head = ring->tx_tail = 0;
}

void Link::SetArmed(bool armed) { control()->tx_armed = armed ? 1 : 0; }

uint32_t Link::TransmitSpace() const { return ZB_TX_BYTES - (control()->tx_head - control()->tx_tail); }

void Link::AskWhetherAlone() {
  control()->others = 1;
  asked_whether_alone_ = true;
}

bool Link::TakeFoundAlone() {
  // Good for once: it is asked again after whatever the agent does next.
  const bool found = asked_whether_alone_ && control()->others == 0;
  asked_whether_alone_ = false;
  return found;
}

bool Link::AgentIsBusy() const { return control()->agent_busy != 0; }

}  // namespace zb
