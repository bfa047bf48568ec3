#include "hosts/guest_walk.h"

#include "machine/page_tables.h"

namespace zb {

using namespace paging;

std::optional<Walk> WalkGuest(const GuestMemory& memory, const kvm_sregs& sregs, uint64_t gva) {
  if ((sregs.cr4 & kCr4La57) != 0) return std::nullopt;
  uint64_t table = sregs.cr3 & kAddressMask;
  bool writable = true;
  for (int level = 3; level >= 0; level--) {
    const uint64_t shift = 12 + 9 * static_cast<uint64_t>(level);
    const uint64_t entry_gpa = table + ((gva >> shift) & 0x1ff) * 8;
    const auto entry = memory.Load<uint64_t>(entry_gpa);
    if (!entry || (*entry & kPresent) == 0) return std::nullopt;
    writable = writable && (*entry & kWritable) != 0;
    const bool leaf = level == 0 || ((*entry & kLarge) != 0 && level <= 2);
    if (leaf) {
      const uint64_t offset_mask = (1ULL << shift) - 1;
      return Walk{.gpa = (*entry & kAddressMask & ~offset_mask) | (gva & offset_mask),
                  .writable = writable,
                  .entry_gpa = entry_gpa};
    }
    table = *entry & kAddressMask;
  }
  return std::nullopt;
}

std::optional<uint64_t> TranslateForHost(const GuestMemory& memory, const kvm_sregs& sregs, uint64_t gva) {
  const auto walk = WalkGuest(memory, sregs, gva);
  if (!walk) return std::nullopt;
  return walk->gpa;
}

}  // namespace zb
