// The argument of KVM_GET_MSRS and KVM_SET_MSRS: a kvm_msrs with its entries behind it.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "kvm/uapi.h"

namespace zb {

class MsrBatch {
 public:
  explicit MsrBatch(std::span<const kvm_msr_entry> entries)
      : buffer_(kHeaderBytes + entries.size() * sizeof(kvm_msr_entry)), count_(entries.size()) {
    const uint32_t header[2] = {static_cast<uint32_t>(entries.size()), 0};
    std::memcpy(buffer_.data(), header, sizeof(header));
    if (!entries.empty()) std::memcpy(buffer_.data() + kHeaderBytes, entries.data(), entries.size_bytes());
  }

  void* argument() { return buffer_.data(); }
  size_t count() const { return count_; }
  kvm_msr_entry entry(size_t index) const {
    kvm_msr_entry entry;
    std::memcpy(&entry, buffer_.data() + kHeaderBytes + index * sizeof(entry), sizeof(entry));
    return entry;
  }

 private:
  static constexpr size_t kHeaderBytes = 8;  // u32 count, u32 padding
  std::vector<uint8_t> buffer_;
  size_t count_;
};

}  // namespace zb
