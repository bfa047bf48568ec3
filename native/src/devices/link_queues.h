// The two bounded queues between a VM and whoever owns it: records for the guest, records from it.
// Plain containers: the owner holds the lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "devices/link_abi.h"

namespace zb {

// Records waiting to be handed to the guest, which takes them as a byte stream.
class InputQueue {
 public:
  // Two of the largest records.
  static constexpr size_t kMaxBytes = 2 * (ZB_MAX_HOST_PAYLOAD + sizeof(zb_record));

  // False when the queue is full. `payload` is at most ZB_MAX_HOST_PAYLOAD.
  bool Push(uint8_t kind, uint8_t flags, uint16_t execution, std::span<const uint8_t> payload);
  bool empty() const { return records_.empty(); }
  // The next record's header. Not empty.
  zb_record front() const;
  // True while the front record has been handed over in part.
  bool front_started() const { return front_offset_ > 0; }
  // Copies the rest of the front record, as far as it fits; pops it when done. Returns the bytes copied.
  size_t Take(std::span<uint8_t> target);

 private:
  std::deque<std::vector<uint8_t>> records_;
  size_t front_offset_ = 0;
  size_t bytes_ = 0;
};

// Whole records the guest has sent, oldest first.
class OutputQueue {
 public:
  static constexpr size_t kMaxBytes = 128 * 1024;

  bool empty() const { return head_ == bytes_.size(); }
  size_t size() const { return bytes_.size() - head_; }
  bool Fits(size_t record_bytes) const { return size() + record_bytes <= kMaxBytes; }
  // Room for `bytes` more at the end; the caller fills it with exactly one record.
  std::span<uint8_t> Append(size_t bytes);
  // Whole records of at most `max_bytes` in all, but at least one. Empty when the queue is.
  std::vector<uint8_t> Take(size_t max_bytes);

 private:
  std::vector<uint8_t> bytes_;
  size_t head_ = 0;
};

}  // namespace zb
