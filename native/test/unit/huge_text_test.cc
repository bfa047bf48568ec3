#include "template/huge_text.h"

#include "fixtures.h"
#include "harness.h"
#include "machine/page_tables.h"

namespace zb {
namespace {

using namespace paging;
using test::TestMemory;

constexpr uint64_t kPml4 = 0x10000, kPdpt = 0x11000, kDirectory = 0x12000;
constexpr uint64_t kTable = kPresent | kWritable | kUser;

struct Tables {
  TestMemory memory;
  kvm_sregs sregs{};

  Tables() {
    sregs.cr3 = kPml4;
    Set(kPml4, 0, kPdpt | kTable);
    Set(kPdpt, 0, kDirectory | kTable);
  }
  void Set(uint64_t table, uint64_t index, uint64_t entry) { memory.get().Store(table + index * 8, entry); }
  std::vector<uint64_t> Find() { return HugeTextPages(memory.get(), sregs); }
};

TEST(huge_text_is_what_users_may_run_or_not_write) {
  Tables tables;
  tables.Set(kDirectory, 2, 0x600000 | kPresent | kUser | kLarge);
  tables.Set(kDirectory, 3, 0x800000 | kPresent | kUser | kLarge | kWritable | kNoExecute);
  tables.Set(kDirectory, 4, 0xa00000 | kPresent | kLarge);
  tables.Set(kDirectory, 5, 0xc00000 | kUser | kLarge);
  tables.Set(kDirectory, 6, 0x14000 | kPresent | kUser);
  tables.Set(kDirectory, 7, 0xe00000 | kPresent | kUser | kLarge | kWritable);
  const std::vector<uint64_t> pages = tables.Find();
  EXPECT_EQ(pages.size(), 2u);
  EXPECT_EQ(pages[0], 0x600000u);
  EXPECT_EQ(pages[1], 0xe00000u);
}

TEST(huge_text_leaves_the_kernels_half) {
  Tables tables;
  tables.Set(kPml4, 0, 0);
  tables.Set(kPml4, 511, kPdpt | kTable);
  tables.Set(kDirectory, 2, 0x600000 | kPresent | kUser | kLarge);
  EXPECT(tables.Find().empty());
}

TEST(huge_text_ends_in_tables_that_are_circular_or_full) {
  Tables tables;
  for (uint64_t i = 0; i < kEntries; i++) {
    tables.Set(kPml4, i, kPml4 | kTable);
  }
  EXPECT(tables.Find().empty());
  for (uint64_t i = 0; i < kEntries; i++) {
    tables.Set(kPml4, i, kPdpt | kTable);
    tables.Set(kPdpt, i, kDirectory | kTable);
    tables.Set(kDirectory, i, 0x600000 | kPresent | kUser | kLarge);
  }
  EXPECT_EQ(tables.Find().size(), 256u);
  tables.sregs.cr3 = ~uint64_t{0};
  EXPECT(tables.Find().empty());
}

}  // namespace
}  // namespace zb
