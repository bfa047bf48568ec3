#include "fork/wall_clock.h"

#include <iterator>
#include <random>
#include <vector>

#include "fixtures.h"
#include "harness.h"

namespace zb {
namespace {

using std::chrono::nanoseconds;
using test::TestMemory;

constexpr KernelSymbols kSymbols{
    .tk_core = 0x10000,
    .shadow_timekeeper = 0x11000,
    .tk_fast_mono = 0x12000,
    .vdso_data = 0x13000,
    .hrtimer_bases = 0x14000,
};
// Offsets of Linux 6.1 on x86-64, as a debugger shows them.
constexpr uint64_t kTimekeeper = kSymbols.tk_core + 8, kShadow = kSymbols.shadow_timekeeper;
constexpr uint64_t kFast[] = {kSymbols.tk_fast_mono + 8, kSymbols.tk_fast_mono + 64};
constexpr uint64_t kCycleLast = 16, kMult = 24, kShift = 28, kXtimeNsec = 32, kBase = 40, kBaseReal = 48;
constexpr uint64_t kSeconds = 112, kToMonotonic = 128, kOffsetReal = 144, kOffsetTai = 160, kTaiSeconds = 168;
constexpr uint64_t kTimerBase = kSymbols.hrtimer_bases + 64, kTimerBaseBytes = 64;
constexpr uint64_t kIndex = 8, kClockId = 12, kOffset = 56;
constexpr uint64_t kRealtime = kSymbols.vdso_data + 32, kRealtimeCoarse = kRealtime + 5 * 16;
constexpr uint64_t kTai = kRealtime + 11 * 16;

constexpr int64_t kSecond = 1'000'000'000;
constexpr uint32_t kScale = 24;
constexpr uint64_t kNow = 77 * kSecond;                                       // what kvm-clock shows
constexpr uint64_t kLast = kNow - 4'000'000;                                  // and showed at the last tick
constexpr int64_t kTime = 1'700'000'000;                                      // the time of day then: these seconds
constexpr uint64_t kFraction = (uint64_t{812'345'678} << kScale) | 0xabcdef;  // and this of the next

struct Clock {
  TestMemory memory;

  Clock() {
    for (const uint64_t tk : {kTimekeeper, kShadow}) {
      Fill(tk);
      Set(tk + kSeconds, kTime);
      Set(tk + kToMonotonic, -kTime + 70);
      Set(tk + kToMonotonic + 8, int64_t{250'000'000});
      Set(tk + kOffsetReal, OffsetReal());
      Set(tk + kTaiSeconds, int32_t{37});
      Set(tk + kOffsetTai, OffsetReal() + 37 * kSecond);
    }
    for (const uint64_t fast : kFast) Fill(fast);
    Set(kSymbols.vdso_data + 8, kLast);
    Set(kSymbols.vdso_data + 24, uint32_t{1} << kScale);
    Set(kSymbols.vdso_data + 28, kScale);
    SetPair(kRealtime, kTime, kFraction);
    SetPair(kTai, kTime + 37, kFraction);
    SetPair(kRealtimeCoarse, kTime, kFraction >> kScale);
    for (uint32_t i = 0; i < 8; i++) {
      Set(TimerBase(i) + kIndex, i);
      Set(TimerBase(i) + kClockId, uint32_t{i % 4 == 0 ? 1u : i % 4 == 1 ? 0u : i % 4 == 2 ? 7u : 11u});
      Set(TimerBase(i) + kOffset, i % 4 == 1 ? OffsetReal() : i % 4 == 3 ? OffsetReal() + 37 * kSecond : int64_t{0});
    }
  }
  static uint64_t TimerBase(uint32_t i) { return kTimerBase + i * kTimerBaseBytes; }
  static int64_t OffsetReal() { return (kTime - 70) * kSecond - 250'000'000; }
  void Fill(uint64_t base) {
    Set(base + kCycleLast, kLast);
    Set(base + kMult, uint32_t{1} << kScale);
    Set(base + kShift, kScale);
    Set(base + kXtimeNsec, kFraction);
    Set(base + kBase, 70 * kSecond + 250'000'000);
    Set(base + kBaseReal, 70 * kSecond + 250'000'000 + OffsetReal());
  }
  template <typename T>
  void Set(uint64_t gpa, T value) {
    EXPECT(memory.get().Store(gpa, value));
  }
  void SetPair(uint64_t gpa, int64_t seconds, uint64_t fraction) {
    Set(gpa, seconds);
    Set(gpa + 8, fraction);
  }
  int64_t Get(uint64_t gpa) { return *memory.get().Load<int64_t>(gpa); }
  bool Known() { return KnowsWallClock(memory.get(), kSymbols, kNow); }
  // Nanoseconds of what `base` tells at kNow, from `whole`.
  int64_t Tell(uint64_t base, int64_t whole) {
    return whole + static_cast<int64_t>((static_cast<uint64_t>(Get(base + kXtimeNsec)) >> kScale) + (kNow - kLast));
  }
};

TEST(wall_clock_is_known_by_all_of_its_copies) {
  EXPECT(Clock().Known());
  for (const uint64_t gpa : {kTimekeeper + kXtimeNsec,
                             kTimekeeper + kBase,
                             kTimekeeper + kBaseReal,
                             kTimekeeper + kSeconds,
                             kTimekeeper + kToMonotonic,
                             kTimekeeper + kOffsetReal,
                             kTimekeeper + kOffsetTai,
                             kTimekeeper + kTaiSeconds,
                             kShadow + kSeconds,
                             kFast[0] + kBase,
                             kFast[1] + kBaseReal,
                             kFast[1] + kCycleLast,
                             kRealtime,
                             kRealtime + 8,
                             kRealtimeCoarse + 8,
                             kTai,
                             kSymbols.vdso_data + 8,
                             kSymbols.vdso_data + 24,
                             Clock::TimerBase(1) + kOffset,
                             Clock::TimerBase(7) + kOffset,
                             Clock::TimerBase(0) + kOffset,
                             Clock::TimerBase(4) + kIndex,
                             Clock::TimerBase(6) + kClockId}) {
    Clock clock;
    clock.Set(gpa, clock.Get(gpa) + 1);
    EXPECT(!clock.Known());
  }
}

// The same in all copies, and still not what the kernel makes of it.
TEST(wall_clock_is_known_by_what_agrees) {
  for (const uint64_t field : {kBase, kBaseReal, kMult, kShift, kSeconds, kToMonotonic, kToMonotonic + 8, kOffsetReal,
                               kOffsetTai, kTaiSeconds}) {
    for (const int64_t value : {int64_t{1}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
      Clock clock;
      std::vector<uint64_t> copies = {kTimekeeper, kShadow};
      if (field < kSeconds) copies.insert(copies.end(), std::begin(kFast), std::end(kFast));
      for (const uint64_t copy : copies) clock.Set(copy + field, value);
      if (field == kMult) clock.Set(kSymbols.vdso_data + 24, value);
      EXPECT(!clock.Known());
      // Whatever an edited template says, it is refused or set, and nothing overflows.
      try {
        SetWallClock(clock.memory.get(), kSymbols, kNow, nanoseconds(kTime * kSecond));
      } catch (const EngineError& error) {
        EXPECT_EQ(ErrorCodeName(error.code()), std::string("fork_failed"));
      }
    }
  }
  Clock late;
  const uint64_t second = uint64_t{1'000'000'000} << kScale;
  for (const uint64_t copy : {kTimekeeper, kShadow, kFast[0], kFast[1]}) late.Set(copy + kXtimeNsec, second);
  late.SetPair(kRealtime, kTime, second);
  late.SetPair(kTai, kTime + 37, second);
  late.SetPair(kRealtimeCoarse, kTime, second >> kScale);
  EXPECT(!late.Known());
}

TEST(wall_clock_reads_kvm_clock_and_nothing_else) {
  Clock clock;
  EXPECT(!KnowsWallClock(clock.memory.get(), kSymbols, kLast - 1));
  EXPECT(!KnowsWallClock(clock.memory.get(), kSymbols, kNow + 20 * kSecond));
  SetWallClock(clock.memory.get(), kSymbols, kNow + 20 * kSecond, nanoseconds(kTime * kSecond));
  EXPECT_ERROR(ErrorCode::kForkFailed,
               SetWallClock(clock.memory.get(), kSymbols, kNow + 90 * kSecond, nanoseconds(kTime * kSecond)));
  for (uint64_t KernelSymbols::*symbol :
       {&KernelSymbols::tk_core, &KernelSymbols::shadow_timekeeper, &KernelSymbols::tk_fast_mono,
        &KernelSymbols::vdso_data, &KernelSymbols::hrtimer_bases}) {
    for (const uint64_t gpa : {uint64_t{0}, ~uint64_t{0}, uint64_t{0x20000}}) {
      KernelSymbols elsewhere = kSymbols;
      elsewhere.*symbol = gpa;
      EXPECT(!KnowsWallClock(clock.memory.get(), elsewhere, kNow));
    }
  }
  EXPECT_ERROR(ErrorCode::kForkFailed, SetWallClock(clock.memory.get(), {.tk_core = 0x20000}, kNow, nanoseconds(1)));
  EXPECT_ERROR(ErrorCode::kForkFailed, SetWallClock(clock.memory.get(), kSymbols, kLast - 1, nanoseconds(1)));
}

TEST(wall_clock_moves_the_day_and_nothing_else) {
  Clock clock;
  const int64_t monotonic = clock.Tell(kTimekeeper, clock.Get(kTimekeeper + kBase));
  std::mt19937_64 random(1);  // NOLINT: the same numbers every time
  for (int i = 0; i < 1000; i++) {
    const auto wall = static_cast<int64_t>(random() % (uint64_t{3'900'000'000} * kSecond));
    SetWallClock(clock.memory.get(), kSymbols, kNow, nanoseconds(wall));
    EXPECT(clock.Known());
    EXPECT_EQ(clock.Tell(kTimekeeper, clock.Get(kTimekeeper + kSeconds) * kSecond), wall);
    EXPECT_EQ(clock.Tell(kFast[1], clock.Get(kFast[1] + kBaseReal)), wall);
    EXPECT_EQ(clock.Tell(kTimekeeper, clock.Get(kTimekeeper + kBase)), monotonic);
    EXPECT_EQ(clock.Get(kTimekeeper + kXtimeNsec) & 0xffffff, 0xabcdef);
    // Where a timer for a time of day is on the monotonic clock.
    EXPECT_EQ(wall - clock.Get(Clock::TimerBase(5) + kOffset), monotonic);
    EXPECT_EQ(clock.Get(Clock::TimerBase(6) + kOffset), 0);
  }
  EXPECT_ERROR(ErrorCode::kForkFailed, SetWallClock(clock.memory.get(), kSymbols, kNow, nanoseconds(-kSecond)));
}

}  // namespace
}  // namespace zb
