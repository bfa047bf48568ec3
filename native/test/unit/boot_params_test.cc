#include "machine/boot_params.h"

#include <asm/bootparam.h>

#include <numeric>

#include "fixtures.h"
#include "harness.h"

namespace zb {
namespace {

using test::kSmallLayout;
using test::TestMemory;

// As setup_data of <asm/bootparam.h>, without what follows it.
struct SeedHeader {
  uint64_t next;
  uint32_t type;
  uint32_t length;
};

boot_params Written(TestMemory& memory, const LoadedKernel& kernel = {}, const std::string& line = "quiet",
                    std::span<const uint8_t> seed = {}) {
  WriteBootParams(memory.get(), kernel, line, seed);
  return *memory.get().Load<boot_params>(kBootParamsGpa);
}

TEST(boot_params_map_covers_ram_ring_and_root_without_overlap) {
  TestMemory memory;
  const boot_params params = Written(memory);
  EXPECT_EQ(params.e820_entries, 5);
  uint64_t end = 0;
  uint64_t ram = 0;
  for (int i = 0; i < params.e820_entries; i++) {
    const boot_e820_entry entry = params.e820_table[i];
    EXPECT(entry.addr >= end);
    end = entry.addr + entry.size;
    if (entry.type == 1) ram += entry.size;
  }
  EXPECT_EQ(end, kSmallLayout.root_gpa() + kSmallLayout.root_bytes);
  EXPECT_EQ(ram, kSmallLayout.ram_bytes - (kHighMemoryGpa - kEbdaGpa));
  const boot_e820_entry ring = params.e820_table[3];
  EXPECT_EQ(ring.addr, kSmallLayout.ring_gpa());
  EXPECT_EQ(ring.type, 2);
  const boot_e820_entry root = params.e820_table[4];
  EXPECT_EQ(root.addr, kSmallLayout.root_gpa());
  EXPECT_EQ(root.size, kSmallLayout.root_bytes);
  EXPECT_EQ(root.type, 12);
}

TEST(boot_params_map_has_ram_above_the_root_image) {
  constexpr MemoryLayout kLayout{.ram_bytes = 100 * kMiB, .root_bytes = kPmemAlignment};
  const auto root = test::EmptyRoot();
  const UniqueFd ram = CreateMemfd("zeroboot-test", kLayout.total_bytes());
  GuestMemory memory(kLayout, ram.get(), *root, MemorySharing::kShared);
  WriteBootParams(memory, {}, "quiet", {});
  const boot_params params = *memory.Load<boot_params>(kBootParamsGpa);
  EXPECT_EQ(params.e820_entries, 6);
  EXPECT_EQ(params.e820_table[2].size, kLayout.ring_gpa() - kHighMemoryGpa);
  const boot_e820_entry high = params.e820_table[5];
  EXPECT_EQ(high.addr, kLayout.high_gpa());
  EXPECT_EQ(high.size, 36 * kMiB);
  EXPECT_EQ(high.type, 1);
}

TEST(boot_params_point_to_command_line_and_seed) {
  TestMemory memory;
  const std::vector<uint8_t> seed = {1, 2, 3, 4, 5, 6, 7, 8};
  const boot_params params = Written(memory, {}, "console=ttyS0", seed);
  EXPECT_EQ(params.hdr.header, 0x53726448);
  EXPECT_EQ(params.hdr.type_of_loader, 0xff);
  EXPECT_EQ(params.hdr.cmd_line_ptr, kCommandLineGpa);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(memory.get().At(kCommandLineGpa, 14)->data())), "console=ttyS0");
  const auto header = *memory.get().Load<SeedHeader>(params.hdr.setup_data);
  EXPECT_EQ(header.next, 0);
  EXPECT_EQ(header.type, 9);
  EXPECT_EQ(header.length, seed.size());
  EXPECT_EQ(memory.get().Load<uint8_t>(params.hdr.setup_data + sizeof(SeedHeader) + 7), std::optional<uint8_t>(8));
}

TEST(boot_params_take_a_command_line_of_2047_bytes_and_no_more) {
  TestMemory memory;
  Written(memory, {}, std::string(kCommandLineMax - 1, 'x'));
  EXPECT_EQ(memory.get().Load<uint8_t>(kCommandLineGpa + kCommandLineMax - 1), std::optional<uint8_t>(0));
  EXPECT_ERROR(ErrorCode::kKernelInvalid, Written(memory, {}, std::string(kCommandLineMax, 'x')));
}

TEST(boot_params_seed_is_bounded) {
  TestMemory memory;
  const boot_params params = Written(memory, {}, "", std::vector<uint8_t>(100'000, 0xaa));
  const auto header = *memory.get().Load<SeedHeader>(params.hdr.setup_data);
  EXPECT_EQ(header.length, 256);
  EXPECT_EQ(memory.get().Load<uint8_t>(kSeedGpa + sizeof(SeedHeader) + 256), std::optional<uint8_t>(0));
}

TEST(boot_params_keep_a_bzimages_own_header) {
  TestMemory memory;
  LoadedKernel kernel;
  kernel.is_bzimage = true;
  // Longer than the header can be: what follows it in the zero page must stay.
  kernel.setup_header.assign(4096, '\x5a');
  const boot_params params = Written(memory, kernel);
  EXPECT_EQ(params.hdr.kernel_alignment, 0x5a5a5a5a);
  EXPECT_EQ(params.hdr.type_of_loader, 0xff);
  EXPECT_EQ(params.hdr.setup_data, kSeedGpa);
  EXPECT_EQ(params.e820_entries, 5);
}

uint8_t Sum(std::span<const uint8_t> bytes) {
  return static_cast<uint8_t>(std::accumulate(bytes.begin(), bytes.end(), 0));
}

TEST(mp_table_is_where_linux_looks_and_sums_to_zero) {
  TestMemory memory;
  WriteMpTable(memory.get());
  const auto pointer = *memory.get().At(kEbdaGpa, 16);
  EXPECT_EQ(std::string(pointer.begin(), pointer.begin() + 4), "_MP_");
  EXPECT_EQ(Sum(pointer), 0);
  const auto table_gpa = *memory.get().Load<uint32_t>(kEbdaGpa + 4);
  const auto length = *memory.get().Load<uint16_t>(table_gpa + 4);
  const auto table = *memory.get().At(table_gpa, length);
  EXPECT_EQ(std::string(table.begin(), table.begin() + 4), "PCMP");
  EXPECT_EQ(Sum(table), 0);
  EXPECT(table_gpa + length <= kEbdaGpa + 1024);
}

TEST(mp_table_entries_fill_it_exactly) {
  TestMemory memory;
  WriteMpTable(memory.get());
  const auto table_gpa = *memory.get().Load<uint32_t>(kEbdaGpa + 4);
  const auto length = *memory.get().Load<uint16_t>(table_gpa + 4);
  const auto count = *memory.get().Load<uint16_t>(table_gpa + 34);
  EXPECT_EQ(*memory.get().Load<uint32_t>(table_gpa + 36), kLapicGpa);
  uint32_t at = 44;
  int processors = 0, ioapics = 0, interrupts = 0;
  for (uint16_t i = 0; i < count; i++) {
    const auto type = *memory.get().Load<uint8_t>(table_gpa + at);
    processors += type == 0;
    interrupts += type == 3;
    if (type == 2) {
      ioapics++;
      EXPECT_EQ(*memory.get().Load<uint32_t>(table_gpa + at + 4), kIoapicGpa);
    }
    // A processor entry is 20 bytes long, every other 8 (MultiProcessor Specification 1.4, 4.3).
    at += type == 0 ? 20 : 8;
  }
  EXPECT_EQ(at, length);
  EXPECT_EQ(processors, 1);
  EXPECT_EQ(ioapics, 1);
  EXPECT_EQ(interrupts, 16);
}

}  // namespace
}  // namespace zb
