#include "fork/tick_deferral.h"

#include <x86intrin.h>

#include <algorithm>

#include "hosts/host.h"
#include "kvm/vcpu_state.h"

namespace zb {
namespace {

constexpr std::chrono::microseconds kDeferral{5000};
// A tick that is due within this time would land in the cell's beginning.
constexpr std::chrono::microseconds kMargin{1000};
// Any time in the past: the interrupt is pending at the next entry.
constexpr uint64_t kAtOnce = 1;

}  // namespace

uint64_t TickDeferral::GuestTsc() const { return __rdtsc() + tsc_offset_; }

void TickDeferral::ArmFirst(uint64_t deadline, uint64_t tsc) {
  if (deadline == 0) return;
  const uint64_t ahead = deadline > tsc ? deadline - tsc : 0;
  programmed_ = GuestTsc() + std::max(ahead, Ticks(Host::Current().FirstTick()));
  ArmTscDeadline(vcpu_, programmed_);
}

std::optional<std::chrono::nanoseconds> TickDeferral::Park() {
  disarmed_ = false;
  deadline_ = vcpu_.GetMsr(kMsrTscDeadline);
  if (deadline_ != programmed_) deferred_since_ = 0;
  if (deadline_ == 0) return std::nullopt;
  const uint64_t now = GuestTsc() + Ticks(kMargin);
  if (deadline_ <= now) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds((deadline_ - now) * 1000 / tsc_khz_ * 1000);
}

void TickDeferral::Disarm() {
  vcpu_.SetMsr(kMsrTscDeadline, 0);
  disarmed_ = true;
}

void TickDeferral::Unpark() {
  if (deadline_ == 0) return;
  const uint64_t now = GuestTsc();
  if (!disarmed_ && deadline_ > now + Ticks(kMargin)) return;
  if (deferred_since_ == 0) deferred_since_ = now;
  const bool overdue = now - deferred_since_ > Ticks(std::chrono::microseconds(kMaxDeferral));
  programmed_ = overdue ? kAtOnce : std::max(deadline_, now + Ticks(kDeferral));
  if (overdue) deferred_since_ = 0;
  vcpu_.SetMsr(kMsrTscDeadline, programmed_);
}

void TickDeferral::ForceTick() {
  if (deadline_ == 0) return;
  programmed_ = kAtOnce;
  deferred_since_ = 0;
  vcpu_.SetMsr(kMsrTscDeadline, kAtOnce);
}

}  // namespace zb
