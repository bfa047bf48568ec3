#include "machine/layout.h"

#include "harness.h"

namespace zb {
namespace {

constexpr MemoryLayout Layout(uint64_t ram_mb, uint64_t root_mb, uint64_t touched_end = MemoryLayout::kUnknown) {
  return {.ram_bytes = ram_mb * kMiB, .root_bytes = root_mb * kMiB, .touched_end = touched_end};
}

TEST(layout_puts_ring_and_root_image_into_the_middle_of_ram) {
  const MemoryLayout layout = Layout(256, 90);
  EXPECT_EQ(layout.ring_gpa(), 64 * kMiB);
  EXPECT_EQ(layout.root_gpa(), 66 * kMiB);
  EXPECT_EQ(layout.high_gpa(), 156 * kMiB);
  EXPECT_EQ(layout.high_bytes(), 192 * kMiB);
  EXPECT_EQ(layout.total_bytes(), 348 * kMiB);
}

TEST(layout_of_the_least_memory_has_none_above) {
  const MemoryLayout layout = Layout(kMinMemoryMb, 2);
  EXPECT_EQ(layout.ring_gpa(), kMinMemoryMb * kMiB);
  EXPECT_EQ(layout.high_bytes(), 0);
  EXPECT_EQ(layout.total_bytes(), layout.high_gpa());
}

TEST(layout_lets_high_ram_begin_and_end_with_a_whole_block) {
  for (uint64_t ram_mb = kMinMemoryMb; ram_mb < kMinMemoryMb + 40; ram_mb++) {
    for (uint64_t root_mb = 2; root_mb < 12; root_mb += 2) {
      const MemoryLayout layout = Layout(ram_mb, root_mb);
      EXPECT_EQ(layout.high_gpa() % MemoryLayout::kLargestBlockBytes, 0);
      EXPECT_EQ(layout.high_bytes() % MemoryLayout::kLargestBlockBytes, 0);
      EXPECT_EQ(layout.ring_gpa() + layout.high_bytes(), ram_mb * kMiB);
      EXPECT(layout.high_gpa() >= layout.root_gpa() + layout.root_bytes);
    }
  }
}

TEST(layout_tells_what_is_private) {
  const MemoryLayout layout = Layout(256, 88);  // 2 MiB are left over above the root image
  EXPECT(layout.IsPrivate(0, layout.root_gpa()));
  EXPECT(!layout.IsPrivate(0, layout.root_gpa() + 1));
  EXPECT(!layout.IsPrivate(layout.root_gpa(), 1));
  EXPECT(!layout.IsPrivate(layout.root_end() - 1, 2));
  EXPECT(layout.IsPrivate(layout.root_end(), layout.total_bytes() - layout.root_end()));
  EXPECT_EQ(layout.high_gpa() - layout.root_end(), kPmemAlignment);
  EXPECT(!layout.IsPrivate(layout.total_bytes() - 7, 8));
  EXPECT(!layout.IsPrivate(UINT64_MAX, 1));
  EXPECT(!layout.IsPrivate(UINT64_MAX - 3, 8));
  EXPECT(!layout.IsPrivate(8, UINT64_MAX));
}

TEST(layout_covers_what_was_touched_and_some_more) {
  const uint64_t high = Layout(256, 90).high_gpa();
  // While nothing is known of it, all.
  EXPECT_EQ(Layout(256, 90).covered_bytes(), 348 * kMiB);
  // The room that is left below the root image counts.
  EXPECT_EQ(Layout(256, 90, 40 * kMiB).covered_bytes(), high);
  EXPECT_EQ(Layout(256, 90, 60 * kMiB).covered_bytes(), high);
  EXPECT_EQ(Layout(256, 90, 61 * kMiB).covered_bytes(), high + 2 * kMiB);
  EXPECT_EQ(Layout(256, 90, 64 * kMiB).covered_bytes(), high + 4 * kMiB);
  EXPECT_EQ(Layout(256, 90, high + 20 * kMiB + kPageBytes).covered_bytes(), high + 26 * kMiB);
  // Never more than there is, whatever a snapshot claims.
  EXPECT_EQ(Layout(256, 90, 347 * kMiB).covered_bytes(), 348 * kMiB);
  EXPECT_EQ(Layout(256, 90, UINT64_MAX - 1).covered_bytes(), 348 * kMiB);
  EXPECT_EQ(Layout(kMinMemoryMb, 2, 0).covered_bytes(), Layout(kMinMemoryMb, 2).total_bytes());
  EXPECT_EQ(Layout(256, 90, 0).covered_bytes(), high);
}

}  // namespace
}  // namespace zb
