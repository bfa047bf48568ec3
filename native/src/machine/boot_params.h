// The zero page and what it points to: memory map, command line, seed (Documentation/x86/boot.rst, zero-page.rst).
#pragma once

#include <span>
#include <string>

#include "machine/guest_memory.h"
#include "machine/kernel_image.h"

namespace zb {

// Writes boot_params, the command line and a SETUP_RNG_SEED entry holding `seed` (CPython's start
// blocks on a kernel without randomness). Throws kKernelInvalid when the command line is too long.
void WriteBootParams(GuestMemory& memory, const LoadedKernel& kernel, const std::string& command_line,
                     std::span<const uint8_t> seed);

// The MP table (Intel MultiProcessor Specification 1.4): one processor, one IOAPIC. Without it Linux
// falls back to the 8259, and a user-space IOAPIC delivers nothing.
void WriteMpTable(GuestMemory& memory);

}  // namespace zb
