#include "fork/wall_clock.h"

#include <cmath>
#include <cstddef>
#include <iterator>

#include "kvm/error.h"

namespace zb {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// Longer is no pause between the template's last tick and its capture.
constexpr auto kMostSinceTick = static_cast<uint64_t>(5 * kSecond);
// And what a fork may add to it before it is given its time: nothing that follows overflows.
constexpr auto kMostBehind = static_cast<uint64_t>(60 * kSecond);
constexpr uint32_t kMostShift = 28;

// struct tk_read_base (include/linux/timekeeper_internal.h, as all up to TkFast).
struct ReadBase {
  uint64_t clocksource;
  uint64_t mask;
  uint64_t cycle_last;
  uint32_t mult;
  uint32_t shift;
  uint64_t xtime_nsec;  // of the second, times 2^shift
  int64_t base;         // what xtime_nsec is added to for the monotonic time, nanoseconds
  int64_t base_real;    // and for the time of day

  bool operator==(const ReadBase&) const = default;
  int64_t NanosecondsOfSecond() const { return static_cast<int64_t>(xtime_nsec >> shift); }
};

// struct timekeeper, as far as the time of day is in it.
struct Timekeeper {
  ReadBase mono;
  ReadBase raw;
  int64_t seconds;         // xtime_sec: the time of day
  uint64_t ktime_seconds;  // the monotonic time
  int64_t to_monotonic_seconds;
  int64_t to_monotonic_nanoseconds;
  int64_t offset_real;
  int64_t offset_boot;
  int64_t offset_tai;
  int32_t tai_seconds;
  uint32_t clock_was_set_seq;

  bool operator==(const Timekeeper&) const = default;
};

// seqcount_raw_spinlock_t of tk_core and seqcount_latch_t of struct tk_fast, padded.
constexpr uint64_t kSequenceBytes = 8;
// struct tk_fast has two.
constexpr uint64_t kFastBases = 2;

// struct vdso_data (include/vdso/datapage.h), up to the clocks it tells.
struct VdsoTime {
  uint64_t seconds;
  uint64_t nanoseconds;
};
struct VdsoData {
  uint32_t seq;
  int32_t clock_mode;
  uint64_t cycle_last;
  uint64_t mask;
  uint32_t mult;
  uint32_t shift;
  VdsoTime basetime[12];  // by clock id; all but the coarse ones times 2^shift
};
// Ids of clocks (linux/time.h).
constexpr size_t kRealtime = 0, kRealtimeCoarse = 5, kBoottime = 7, kTai = 11;

// struct hrtimer_clock_base (include/linux/hrtimer.h): they follow on 64 bytes of struct hrtimer_cpu_base, each
// aligned to as much.
struct TimerBase {
  uint64_t cpu_base;
  uint32_t index;
  uint32_t clock;
  uint8_t timers[40];
  int64_t offset;
};
constexpr uint64_t kTimerBases = 64;
constexpr uint32_t kTimerClocks[] = {1, 0, 7, 11, 1, 0, 7, 11};  // MONOTONIC, REALTIME, BOOTTIME, TAI; in softirqs

uint64_t TimerBaseGpa(const KernelSymbols& symbols, uint32_t index) {
  return symbols.hrtimer_bases + kTimerBases + index * sizeof(TimerBase);
}

bool Tells(const VdsoTime& time, int64_t seconds, uint64_t nanoseconds) {
  return time.seconds == static_cast<uint64_t>(seconds) && time.nanoseconds == nanoseconds;
}

// The clock counts nanoseconds, and has been read not long ago: the timekeeper reads kvm-clock.
bool ReadsKvmClock(const ReadBase& base, uint64_t kvm_clock_ns, uint64_t most_behind) {
  constexpr double kMostDrift = 1e-3;
  if (base.shift > kMostShift) return false;
  const double nanoseconds_per_cycle = std::ldexp(base.mult, -static_cast<int>(base.shift));
  return std::abs(nanoseconds_per_cycle - 1) < kMostDrift && base.cycle_last <= kvm_clock_ns &&
         kvm_clock_ns - base.cycle_last <= most_behind && base.NanosecondsOfSecond() < kSecond;
}

// The guest's claims, small enough to compute with: times of day until 2096, 30 years since its boot.
bool IsBounded(const Timekeeper& tk) {
  constexpr int64_t kMostSeconds = 4'000'000'000, kMostUptime = 1'000'000'000;
  constexpr int32_t kMostLeapSeconds = 1000;
  const auto within = [](int64_t value, int64_t most) { return value >= -most && value <= most; };
  return tk.seconds >= 0 && within(tk.seconds, kMostSeconds) && within(tk.to_monotonic_seconds, kMostSeconds) &&
         tk.to_monotonic_nanoseconds >= 0 && tk.to_monotonic_nanoseconds < kSecond &&
         within(tk.offset_real, kMostSeconds * kSecond) && within(tk.offset_tai, kMostSeconds * kSecond) &&
         within(tk.tai_seconds, kMostLeapSeconds) && within(tk.mono.base, kMostUptime * kSecond);
}

// As tk_update_ktime_data() and tk_set_wall_to_mono() leave it.
bool Agrees(const Timekeeper& tk) {
  const int64_t to_monotonic = tk.to_monotonic_seconds * kSecond + tk.to_monotonic_nanoseconds;
  return tk.mono.base == tk.seconds * kSecond + to_monotonic && tk.offset_real == -to_monotonic &&
         tk.mono.base_real == tk.mono.base + tk.offset_real &&
         tk.offset_tai == tk.offset_real + tk.tai_seconds * kSecond;
}

// How far the timers believe a clock to be from the monotonic one.
int64_t OffsetOf(const Timekeeper& tk, uint32_t clock) {
  switch (clock) {
    case kRealtime:
      return tk.offset_real;
    case kTai:
      return tk.offset_tai;
    case kBoottime:
      return tk.offset_boot;
    default:
      return 0;
  }
}

bool TimersAgree(const GuestMemory& memory, const KernelSymbols& symbols, const Timekeeper& tk) {
  for (uint32_t i = 0; i < std::size(kTimerClocks); i++) {
    const auto base = memory.Load<TimerBase>(TimerBaseGpa(symbols, i));
    if (!base || base->index != i || base->clock != kTimerClocks[i]) return false;
    if (base->offset != OffsetOf(tk, kTimerClocks[i])) return false;
  }
  return true;
}

bool TellTimers(GuestMemory& memory, const KernelSymbols& symbols, const Timekeeper& tk) {
  for (uint32_t i = 0; i < std::size(kTimerClocks); i++) {
    const uint64_t gpa = TimerBaseGpa(symbols, i) + offsetof(TimerBase, offset);
    if (!memory.Store(gpa, OffsetOf(tk, kTimerClocks[i]))) return false;
  }
  return true;
}

}  // namespace

bool KnowsWallClock(const GuestMemory& memory, const KernelSymbols& symbols, uint64_t kvm_clock_ns) {
  if (symbols.tk_core == 0 || symbols.shadow_timekeeper == 0 || symbols.tk_fast_mono == 0 || symbols.vdso_data == 0 ||
      symbols.hrtimer_bases == 0) {
    return false;
  }
  const auto tk = memory.Load<Timekeeper>(symbols.tk_core + kSequenceBytes);
  const auto shadow = memory.Load<Timekeeper>(symbols.shadow_timekeeper);
  const auto vdso = memory.Load<VdsoData>(symbols.vdso_data);
  if (!tk || !shadow || !vdso || !(*tk == *shadow)) return false;
  for (uint64_t i = 0; i < kFastBases; i++) {
    const auto fast = memory.Load<ReadBase>(symbols.tk_fast_mono + kSequenceBytes + i * sizeof(ReadBase));
    if (!fast || !(*fast == tk->mono)) return false;
  }
  if (!ReadsKvmClock(tk->mono, kvm_clock_ns, kMostSinceTick) || !IsBounded(*tk) || !Agrees(*tk)) return false;
  const auto nanoseconds = static_cast<uint64_t>(tk->mono.NanosecondsOfSecond());
  return vdso->cycle_last == tk->mono.cycle_last && vdso->mult == tk->mono.mult && vdso->shift == tk->mono.shift &&
         Tells(vdso->basetime[kRealtime], tk->seconds, tk->mono.xtime_nsec) &&
         Tells(vdso->basetime[kTai], tk->seconds + tk->tai_seconds, tk->mono.xtime_nsec) &&
         Tells(vdso->basetime[kRealtimeCoarse], tk->seconds, nanoseconds) && TimersAgree(memory, symbols, *tk);
}

void SetWallClock(GuestMemory& memory, const KernelSymbols& symbols, uint64_t kvm_clock_ns,
                  std::chrono::nanoseconds wall) {
  auto tk = memory.Load<Timekeeper>(symbols.tk_core + kSequenceBytes);
  auto vdso = memory.Load<VdsoData>(symbols.vdso_data);
  // A template that says more than its memory holds has been edited.
  if (!tk || !vdso || !IsBounded(*tk)) {
    throw EngineError(ErrorCode::kForkFailed, "the fork's clock is not in its memory");
  }
  ReadBase& mono = tk->mono;
  if (!ReadsKvmClock(mono, kvm_clock_ns, kMostBehind)) {
    throw EngineError(ErrorCode::kForkFailed, "the fork's clock stands too far from its template's");
  }
  const auto since_read =
      static_cast<int64_t>(((kvm_clock_ns - mono.cycle_last) * mono.mult + mono.xtime_nsec) >> mono.shift);
  const int64_t step = wall.count() - (tk->seconds * kSecond + since_read);
  // The time of day at cycle_last, before and after.
  const int64_t old_nanoseconds = mono.NanosecondsOfSecond();
  const int64_t time = tk->seconds * kSecond + old_nanoseconds + step;
  const int64_t nanoseconds = time % kSecond;
  if (time < 0) throw EngineError(ErrorCode::kForkFailed, "the time of day is before 1970");

  tk->seconds = time / kSecond;
  const uint64_t fraction = mono.xtime_nsec & ((uint64_t{1} << mono.shift) - 1);
  mono.xtime_nsec = (static_cast<uint64_t>(nanoseconds) << mono.shift) | fraction;
  // The monotonic time stays what it was.
  mono.base += old_nanoseconds - nanoseconds;
  tk->offset_real += step;
  tk->offset_tai += step;
  mono.base_real = mono.base + tk->offset_real;
  tk->to_monotonic_seconds = -tk->offset_real / kSecond;
  tk->to_monotonic_nanoseconds = -tk->offset_real % kSecond;
  if (tk->to_monotonic_nanoseconds < 0) {
    tk->to_monotonic_seconds--;
    tk->to_monotonic_nanoseconds += kSecond;
  }
  const auto whole = static_cast<uint64_t>(nanoseconds);
  vdso->basetime[kRealtime] = {static_cast<uint64_t>(tk->seconds), mono.xtime_nsec};
  vdso->basetime[kTai] = {static_cast<uint64_t>(tk->seconds + tk->tai_seconds), mono.xtime_nsec};
  vdso->basetime[kRealtimeCoarse] = {static_cast<uint64_t>(tk->seconds), whole};

  bool stored = memory.Store(symbols.tk_core + kSequenceBytes, *tk) && memory.Store(symbols.shadow_timekeeper, *tk) &&
                memory.Store(symbols.vdso_data, *vdso) && TellTimers(memory, symbols, *tk);
  for (uint64_t i = 0; i < kFastBases; i++) {
    stored = stored && memory.Store(symbols.tk_fast_mono + kSequenceBytes + i * sizeof(ReadBase), mono);
  }
  if (!stored) throw EngineError(ErrorCode::kForkFailed, "the fork's clock is not in its memory");
}

}  // namespace zb
