// Loading a Linux kernel: an ELF vmlinux directly, or a bzImage by its 64-bit entry.
#pragma once

#include <cstdint>
#include <string>

#include "machine/guest_memory.h"

namespace zb {

struct LoadedKernel {
  // Where the vCPU starts, in long mode with the zero page's address in RSI
  // (Documentation/x86/boot.rst, 64-bit boot protocol).
  uint64_t entry = 0;
  // vmlinux only: the kernel's link address of `entry`; 0 when unknown.
  uint64_t entry_virtual = 0;
  bool is_bzimage = false;
  // bzImage: its setup header, copied into the zero page; else empty.
  std::string setup_header;
};

// Throws kKernelInvalid for anything that is not a kernel this machine can start, or does not fit in its RAM.
LoadedKernel LoadKernel(const std::string& path, GuestMemory& memory);

}  // namespace zb
