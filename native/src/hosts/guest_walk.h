// Guest-virtual to guest-physical, by the guest's own page tables (AMD64 manual volume 2, 5.3).
// KVM_TRANSLATE is not used: it refuses user addresses on some hosts.
#pragma once

#include <cstdint>
#include <optional>

#include "kvm/uapi.h"
#include "machine/guest_memory.h"

namespace zb {

struct Walk {
  uint64_t gpa = 0;
  bool writable = false;   // at every level
  uint64_t entry_gpa = 0;  // of the leaf entry
};

// Four-level long-mode paging. Empty when not present or not in guest RAM.
std::optional<Walk> WalkGuest(const GuestMemory& memory, const kvm_sregs& sregs, uint64_t gva);

// As WalkGuest, for addresses of the kernel's own that the host wants to look at.
std::optional<uint64_t> TranslateForHost(const GuestMemory& memory, const kvm_sregs& sregs, uint64_t gva);

}  // namespace zb
