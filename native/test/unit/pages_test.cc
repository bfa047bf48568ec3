#include "template/pages.h"

#include "fixtures.h"
#include "harness.h"

namespace zb {
namespace {

constexpr uint64_t kBytes = 64 * kPageBytes;

TEST(pages_of_most_sets) {
  const auto runs = [](std::initializer_list<PageRun> list) { return std::vector<PageRun>(list); };
  const auto most = PagesOfMost({runs({{1, 3}, {10, 1}}), runs({{2, 3}, {20, 2}}), runs({{3, 1}, {20, 1}})});
  EXPECT_EQ(most.size(), 2);
  EXPECT_EQ(most[0].first, 2);
  EXPECT_EQ(most[0].count, 2);
  EXPECT_EQ(most[1].first, 20);
  EXPECT_EQ(most[1].count, 1);
  // Half is not most.
  EXPECT_EQ(PagesOfMost({runs({{1, 1}}), runs({{2, 1}})}).size(), 0);
  EXPECT_EQ(PagesOfMost({runs({{7, 2}})}).size(), 1);
  EXPECT_EQ(PagesOfMost({}).size(), 0);
}

TEST(pages_finds_content_and_skips_holes_and_zeroes) {
  const UniqueFd fd = CreateMemfd("zeroboot-test", kBytes);
  const Mapping mapping(kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get());
  EXPECT(NonZeroPages(fd.get(), mapping.data(), kBytes).empty());
  mapping.data()[3 * kPageBytes] = 1;      // its first byte
  mapping.data()[5 * kPageBytes - 1] = 1;  // its last byte
  mapping.data()[10 * kPageBytes] = 0;     // touched, but zero
  mapping.data()[kBytes - 1] = 1;
  const auto runs = NonZeroPages(fd.get(), mapping.data(), kBytes);
  EXPECT_EQ(runs.size(), 2);
  EXPECT_EQ(runs[0].first, 3);
  EXPECT_EQ(runs[0].count, 2);
  EXPECT_EQ(runs[1].first, 63);
  EXPECT_EQ(CountPages(runs), 3);
}

TEST(pages_know_where_ram_was_last_touched) {
  constexpr MemoryLayout kLayout{.ram_bytes = 100 * kMiB, .root_bytes = kPmemAlignment};
  const UniqueFd fd = CreateMemfd("zeroboot-test", kLayout.total_bytes());
  const Mapping mapping(kLayout.total_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get());
  EXPECT_EQ(TouchedEnd(fd.get(), kLayout), 0);
  mapping.data()[5 * kPageBytes] = 0;  // zero, but somebody's
  EXPECT_EQ(TouchedEnd(fd.get(), kLayout), 6 * kPageBytes);
  mapping.data()[kLayout.ring_gpa()] = 1;
  EXPECT_EQ(TouchedEnd(fd.get(), kLayout), 6 * kPageBytes);
  mapping.data()[kLayout.ring_gpa() - 1] = 1;
  EXPECT_EQ(TouchedEnd(fd.get(), kLayout), kLayout.ring_gpa());
  mapping.data()[kLayout.high_gpa() + kPageBytes] = 1;
  EXPECT_EQ(TouchedEnd(fd.get(), kLayout), kLayout.high_gpa() + 2 * kPageBytes);
}

TEST(pages_tells_private_copies_from_shared_pages) {
  const UniqueFd fd = CreateMemfd("zeroboot-test", kBytes);
  {
    const Mapping shared(kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get());
    for (uint64_t page = 0; page < 64; page++) shared.data()[page * kPageBytes] = 1;
  }
  const Mapping fork(kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd.get());
  uint32_t sum = 0;
  for (uint64_t page = 0; page < 64; page++) sum += fork.data()[page * kPageBytes];
  EXPECT_EQ(sum, 64);
  EXPECT(PrivatePages(fork.data(), kBytes).empty());
  fork.data()[7 * kPageBytes] = 2;
  const auto runs = PrivatePages(fork.data(), kBytes);
  EXPECT_EQ(runs.size(), 1);
  EXPECT_EQ(runs[0].first, 7);
}

TEST(pages_prefault_makes_copies_of_the_same_content) {
  const UniqueFd fd = CreateMemfd("zeroboot-test", kBytes);
  {
    const Mapping shared(kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get());
    shared.data()[20 * kPageBytes] = 0x5a;
  }
  const Mapping fork(kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd.get());
  PrefaultForWrite(fork.data(), {{.first = 20, .count = 3}, {.first = 40, .count = 1}});
  EXPECT_EQ(CountPages(PrivatePages(fork.data(), kBytes)), 4);
  EXPECT_EQ(fork.data()[20 * kPageBytes], 0x5a);
}

}  // namespace
}  // namespace zb
