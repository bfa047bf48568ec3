// The guest-physical address map.
//
//   0x0000'0000  low RAM, 64 MiB or all of it; its first megabyte is the boot protocol's, see boot_params.h
//   + low RAM    the link's ring, outside the kernel's RAM
//   + 2 MiB      the root image, as legacy persistent memory
//   + its size   the rest of RAM
//   0xd000'0000  the link's registers, backed by nothing
//   0xfec0'0000  IOAPIC (user space), 0xfee0'0000 LAPIC (KVM)
//
// All of it but the devices is one range. What a fork begins with is one memslot over the front of that range, up to
// where its template ever was and a bit more: a memslot costs a fork about 70 us, and each MiB of it 0.75, on kvm_pvm.
// Linux is told to fill memory from below. A second memslot has the rest, from the guest's first access on.
#pragma once

#include <algorithm>
#include <cstdint>

#include "devices/link_abi.h"

namespace zb {

inline constexpr uint64_t kPageBytes = 4096;
inline constexpr uint64_t kMiB = 1ULL << 20;
inline constexpr uint64_t kHugePageBytes = 2 * kMiB;
// Persistent memory is hot-plugged by the guest in sub-sections of this size.
inline constexpr uint64_t kPmemAlignment = 2 * kMiB;

inline constexpr uint64_t kMinMemoryMb = 64;
inline constexpr uint64_t kMaxMemoryMb = 3072;

// Low memory.
inline constexpr uint64_t kGdtGpa = 0x500;
inline constexpr uint64_t kBootParamsGpa = 0x7000;
inline constexpr uint64_t kSeedGpa = 0x8000;
inline constexpr uint64_t kPageTablesGpa = 0x9000;  // PML4, PDPT, one page directory
inline constexpr uint64_t kBootStackGpa = 0x1f000;
inline constexpr uint64_t kCommandLineGpa = 0x20000;
inline constexpr uint64_t kCommandLineMax = 2048;
inline constexpr uint64_t kEbdaGpa = 0x9fc00;  // MP floating pointer and table
inline constexpr uint64_t kHighMemoryGpa = 0x100000;

inline constexpr uint64_t kIoapicGpa = 0xfec00000;
inline constexpr uint64_t kLapicGpa = 0xfee00000;

constexpr uint64_t RoundUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// Whether [at, at + length) lies in [start, start + bytes), of which no sum is made that could wrap.
constexpr bool Within(uint64_t at, uint64_t length, uint64_t start, uint64_t bytes) {
  return at >= start && length <= bytes && at - start <= bytes - length;
}

struct MemoryLayout {
  // RAM below the root image, in which a kernel must end.
  static constexpr uint64_t kLowRamBytes = 64 * kMiB;
  // The guest's page allocator takes from its smallest blocks first, and these are its largest: RAM above the root
  // image must not begin or end with less, or that is where it would begin.
  static constexpr uint64_t kLargestBlockBytes = 4 * kMiB;
  // Untouched memory that a fork has from its start.
  static constexpr uint64_t kHeadroomBytes = 4 * kMiB;
  static constexpr uint64_t kUnknown = UINT64_MAX;

  uint64_t ram_bytes = 0;
  uint64_t root_bytes = 0;  // a multiple of kPmemAlignment
  // GPA after the last page of RAM that the guest has touched; what lies beyond it is as it was at power-on.
  uint64_t touched_end = kUnknown;

  uint64_t ring_gpa() const {
    return ram_bytes <= kLowRamBytes ? ram_bytes : kLowRamBytes + (ram_bytes - kLowRamBytes) % kLargestBlockBytes;
  }
  uint64_t root_gpa() const { return ring_gpa() + kPmemAlignment; }
  uint64_t high_gpa() const { return RoundUp(root_end(), kLargestBlockBytes); }
  uint64_t high_bytes() const { return ram_bytes - ring_gpa(); }
  // Also the size of a template's memfd, in which a page is where it is for the guest; a hole is under the root image.
  uint64_t total_bytes() const { return high_gpa() + high_bytes(); }
  uint64_t root_end() const { return root_gpa() + root_bytes; }
  // Whether [gpa, gpa + length) is a guest's own: RAM, ring or what alignment leaves over, on one side of the root
  // image.
  bool IsPrivate(uint64_t gpa, uint64_t length) const {
    return Within(gpa, length, 0, root_gpa()) || Within(gpa, length, root_end(), total_bytes() - root_end());
  }
  // What the first memslot covers.
  uint64_t covered_bytes() const {
    if (touched_end >= total_bytes()) return total_bytes();
    const uint64_t low_left = touched_end < ring_gpa() ? ring_gpa() - touched_end : 0;
    const uint64_t end = std::max(touched_end, high_gpa()) + (kHeadroomBytes - std::min(kHeadroomBytes, low_left));
    return std::min(total_bytes(), RoundUp(end, kHugePageBytes));
  }
  // Everything lies below the devices.
  bool fits() const {
    return ram_bytes <= ZB_LINK_MMIO_GPA && root_bytes <= ZB_LINK_MMIO_GPA && total_bytes() <= ZB_LINK_MMIO_GPA;
  }
};

}  // namespace zb
