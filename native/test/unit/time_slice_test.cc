#include "fork/time_slice.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <thread>

#include "harness.h"

namespace zb {
namespace {

constexpr uint64_t kBusy = 30'000'000;

// Of the calling thread, as the kernel has it.
uint64_t Slice() {
  std::array<uint8_t, 48> attributes{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, 0, attributes.data(), attributes.size(), 0), 0);
  uint64_t runtime = 0;
  std::memcpy(&runtime, attributes.data() + 24, sizeof(runtime));
  return runtime;
}

TEST(time_slice_is_lengthened_and_restored) {
  std::thread([] {
    const uint64_t before = Slice();
    TimeSlice slice{std::chrono::nanoseconds(kBusy)};
    slice.Lengthen();
    const uint64_t lengthened = Slice();
    // Kernels that know none keep what they had.
    EXPECT(lengthened == kBusy || lengthened == before);
    slice.Lengthen();
    EXPECT_EQ(Slice(), lengthened);
    slice.Restore();
    EXPECT_EQ(Slice(), before);
    slice.Restore();
    EXPECT_EQ(Slice(), before);
  }).join();
}

TEST(time_slice_of_zero_changes_nothing) {
  std::thread([] {
    const uint64_t before = Slice();
    TimeSlice slice{std::chrono::nanoseconds(0)};
    slice.Lengthen();
    EXPECT_EQ(Slice(), before);
  }).join();
}

}  // namespace
}  // namespace zb
