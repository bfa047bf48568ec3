// The guest-physical address map.
//
//   0x0000'0000  RAM (the low megabyte holds what the boot protocol wants, see boot_params.h)
//   memory_bytes the link's ring, outside the kernel's RAM
//   + 2 MiB ...  the root image, as legacy persistent memory
//   0xd000'0000  the link's registers, backed by nothing
//   0xfec0'0000  IOAPIC (user space), 0xfee0'0000 LAPIC (KVM)
//
// RAM, ring and root image are consecutive so that one memslot covers them: each further
// KVM_SET_USER_MEMORY_REGION costs every fork about 70 us here.
#pragma once

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

struct MemoryLayout {
  uint64_t ram_bytes = 0;
  uint64_t root_bytes = 0;  // rounded up to kPmemAlignment

  uint64_t ring_gpa() const { return ram_bytes; }
  uint64_t root_gpa() const { return ram_bytes + kPmemAlignment; }
  uint64_t total_bytes() const { return root_gpa() + root_bytes; }
  // Everything lies below the devices.
  bool fits() const { return root_gpa() <= ZB_LINK_MMIO_GPA && root_bytes <= ZB_LINK_MMIO_GPA - root_gpa(); }
  // What a template's memfd holds: RAM and the ring.
  uint64_t private_bytes() const { return ram_bytes + ZB_RING_BYTES; }
};

constexpr uint64_t RoundUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace zb
