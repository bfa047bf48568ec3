#include "hosts/guest_walk.h"

#include <random>

#include "fixtures.h"
#include "harness.h"

namespace zb {
namespace {

using test::TestMemory;

constexpr uint64_t kPresent = 1, kWritable = 2, kLarge = 0x80, kNoExecute = 1ULL << 63;
constexpr uint64_t kPml4 = 0x10000, kPdpt = 0x11000, kDirectory = 0x12000, kTable = 0x13000;
constexpr uint64_t kAddress = 0xffffffff81234567;

uint64_t Slot(uint64_t table, int level) { return table + ((kAddress >> (12 + 9 * level)) & 0x1ff) * 8; }

// Four levels that map kAddress's page to 0x5000.
struct Tables {
  TestMemory memory;
  kvm_sregs sregs{};

  Tables() {
    sregs.cr3 = kPml4 | 0x18;  // with the cache bits Linux may set
    Set(kPml4, 3, kPdpt | kPresent | kWritable);
    Set(kPdpt, 2, kDirectory | kPresent | kWritable);
    Set(kDirectory, 1, kTable | kPresent | kWritable);
    Set(kTable, 0, 0x5000 | kPresent | kWritable | kNoExecute);
  }
  void Set(uint64_t table, int level, uint64_t entry) { memory.get().Store(Slot(table, level), entry); }
  std::optional<Walk> Go() { return WalkGuest(memory.get(), sregs, kAddress); }
};

TEST(guest_walk_follows_four_levels) {
  Tables tables;
  const auto walk = tables.Go();
  EXPECT(walk.has_value());
  EXPECT_EQ(walk->gpa, 0x5567);
  EXPECT(walk->writable);
  EXPECT_EQ(walk->entry_gpa, Slot(kTable, 0));
}

TEST(guest_walk_stops_at_large_pages) {
  Tables tables;
  tables.Set(kDirectory, 1, 0x600000 | kPresent | kWritable | kLarge);
  EXPECT_EQ(tables.Go()->gpa, 0x600000 | (kAddress & 0x1fffff));
  tables.Set(kPdpt, 2, 0x40000000 | kPresent | kWritable | kLarge);
  EXPECT_EQ(tables.Go()->gpa, 0x40000000 | (kAddress & 0x3fffffff));
  // There are none of 512 GiB: the bit means nothing there.
  tables.Set(kPml4, 3, kPdpt | kPresent | kWritable | kLarge);
  EXPECT_EQ(tables.Go()->gpa, 0x40000000 | (kAddress & 0x3fffffff));
}

TEST(guest_walk_needs_every_level_present) {
  const std::pair<uint64_t, int> levels[] = {{kPml4, 3}, {kPdpt, 2}, {kDirectory, 1}, {kTable, 0}};
  for (const auto& [table, level] : levels) {
    Tables tables;
    tables.Set(table, level, 0x14000 | kWritable);
    EXPECT(!tables.Go().has_value());
  }
}

TEST(guest_walk_is_writable_only_when_every_level_is) {
  const std::tuple<uint64_t, int, uint64_t> levels[] = {
      {kPml4, 3, kPdpt}, {kPdpt, 2, kDirectory}, {kDirectory, 1, kTable}, {kTable, 0, 0x5000}};
  for (const auto& [table, level, next] : levels) {
    Tables tables;
    tables.Set(table, level, next | kPresent);
    EXPECT_EQ(tables.Go()->gpa, 0x5567);
    EXPECT(!tables.Go()->writable);
  }
}

TEST(guest_walk_does_not_leave_ram) {
  Tables tables;
  tables.Set(kPml4, 3, 0x000ffffffffff000 | kPresent);
  EXPECT(!tables.Go().has_value());
  tables.sregs.cr3 = test::kSmallLayout.root_gpa();
  EXPECT(!tables.Go().has_value());
  tables.sregs.cr3 = UINT64_MAX;
  EXPECT(!tables.Go().has_value());
}

TEST(guest_walk_refuses_five_levels) {
  Tables tables;
  tables.sregs.cr4 = 1ULL << 12;
  EXPECT(!tables.Go().has_value());
}

TEST(guest_walk_survives_random_tables) {
  std::mt19937_64 random(99);
  Tables tables;
  for (int round = 0; round < 20000; round++) {
    tables.sregs.cr3 = random() % test::kSmallLayout.total_bytes();
    // Tables that point to one another and to themselves.
    tables.memory.get().Store((tables.sregs.cr3 & ~0xfffULL) + (random() % 512) * 8, random() | kPresent);
    (void)WalkGuest(tables.memory.get(), tables.sregs, random());
  }
}

}  // namespace
}  // namespace zb
