#include "machine/boot_params.h"

#include <asm/bootparam.h>

#include <algorithm>
#include <cstring>

#include "kvm/error.h"

namespace zb {
namespace {

constexpr uint32_t kE820Ram = 1;
constexpr uint32_t kE820Reserved = 2;
// Non-standard persistent memory, claimed by X86_PMEM_LEGACY ("type 12", arch/x86/include/asm/e820/types.h).
constexpr uint32_t kE820LegacyPmem = 12;
constexpr uint8_t kLoaderUndefined = 0xff;
constexpr uint32_t kSetupRngSeed = 9;
constexpr size_t kMaxSeed = 256;

void AddE820(boot_params& params, uint64_t start, uint64_t bytes, uint32_t type) {
  boot_e820_entry& entry = params.e820_table[params.e820_entries++];
  entry.addr = start;
  entry.size = bytes;
  entry.type = type;
}

}  // namespace

void WriteBootParams(GuestMemory& memory, const LoadedKernel& kernel, const std::string& command_line,
                     std::span<const uint8_t> seed) {
  if (command_line.size() + 1 > kCommandLineMax) {
    throw EngineError(ErrorCode::kKernelInvalid, "the kernel command line is longer than 2047 bytes");
  }
  std::memcpy(memory.At(kCommandLineGpa, kCommandLineMax)->data(), command_line.c_str(), command_line.size() + 1);

  const auto seed_entry = memory.At(kSeedGpa, sizeof(setup_data) + kMaxSeed);
  setup_data header{};
  header.type = kSetupRngSeed;
  header.len = static_cast<uint32_t>(std::min(seed.size(), kMaxSeed));
  std::memcpy(seed_entry->data(), &header, sizeof(header));
  std::copy_n(seed.begin(), header.len, seed_entry->data() + sizeof(header));

  boot_params params{};
  if (kernel.is_bzimage) {
    std::memcpy(&params.hdr, kernel.setup_header.data(), std::min(kernel.setup_header.size(), sizeof(params.hdr)));
  } else {
    params.hdr.boot_flag = 0xaa55;
    params.hdr.header = 0x53726448;  // "HdrS"
    params.hdr.version = 0x020f;
    params.hdr.kernel_alignment = 0x200000;
  }
  params.hdr.type_of_loader = kLoaderUndefined;
  params.hdr.loadflags |= LOADED_HIGH;
  params.hdr.cmd_line_ptr = static_cast<uint32_t>(kCommandLineGpa);
  params.hdr.cmdline_size = static_cast<uint32_t>(kCommandLineMax - 1);
  params.hdr.setup_data = kSeedGpa;

  const MemoryLayout& layout = memory.layout();
  AddE820(params, 0, kEbdaGpa, kE820Ram);
  AddE820(params, kEbdaGpa, kHighMemoryGpa - kEbdaGpa, kE820Reserved);
  AddE820(params, kHighMemoryGpa, layout.ring_gpa() - kHighMemoryGpa, kE820Ram);
  AddE820(params, layout.ring_gpa(), ZB_RING_BYTES, kE820Reserved);
  AddE820(params, layout.root_gpa(), layout.root_bytes, kE820LegacyPmem);
  if (layout.high_bytes() != 0) AddE820(params, layout.high_gpa(), layout.high_bytes(), kE820Ram);
  static_assert(sizeof(boot_params) == 4096, "the zero page is one page");
  memory.Store(kBootParamsGpa, params);
}

}  // namespace zb
