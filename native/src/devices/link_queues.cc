#include "devices/link_queues.h"

#include <algorithm>
#include <cstring>

namespace zb {

bool InputQueue::Push(uint8_t kind, uint8_t flags, uint16_t execution, std::span<const uint8_t> payload) {
  const size_t record_bytes = sizeof(zb_record) + payload.size();
  if (payload.size() > ZB_MAX_HOST_PAYLOAD || bytes_ + record_bytes > kMaxBytes) return false;
  const zb_record header{
      .length = static_cast<uint32_t>(payload.size()), .kind = kind, .flags = flags, .execution = execution};
  std::vector<uint8_t> record(record_bytes);
  std::memcpy(record.data(), &header, sizeof(header));
  if (!payload.empty()) std::memcpy(record.data() + sizeof(header), payload.data(), payload.size());
  records_.push_back(std::move(record));
  bytes_ += record_bytes;
  return true;
}

zb_record InputQueue::front() const {
  zb_record header;
  std::memcpy(&header, records_.front().data(), sizeof(header));
  return header;
}

size_t InputQueue::Take(std::span<uint8_t> target) {
  const std::vector<uint8_t>& record = records_.front();
  const size_t n = std::min(target.size(), record.size() - front_offset_);
  std::memcpy(target.data(), record.data() + front_offset_, n);
  front_offset_ += n;
  if (front_offset_ == record.size()) {
    bytes_ -= record.size();
    front_offset_ = 0;
    records_.pop_front();
  }
  return n;
}

std::span<uint8_t> OutputQueue::Append(size_t bytes) {
  // Reading moves the head; what lies before it is given back once it is most of the buffer.
  if (head_ > kMaxBytes) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
  const size_t at = bytes_.size();
  bytes_.resize(at + bytes);
  return {bytes_.data() + at, bytes};
}

std::vector<uint8_t> OutputQueue::Take(size_t max_bytes) {
  size_t end = head_;
  while (end < bytes_.size()) {
    zb_record header;
    std::memcpy(&header, bytes_.data() + end, sizeof(header));
    const size_t record_bytes = sizeof(header) + header.length;
    if (end > head_ && end - head_ + record_bytes > max_bytes) break;
    end += record_bytes;
  }
  std::vector<uint8_t> taken(bytes_.begin() + static_cast<ptrdiff_t>(head_),
                             bytes_.begin() + static_cast<ptrdiff_t>(end));
  head_ = end;
  if (empty()) {
    bytes_.clear();
    head_ = 0;
  }
  return taken;
}

}  // namespace zb
