// Keeping the timer tick of a parked guest out of its next cell.
//
// A guest that is parked (its vCPU not running, its agent in RX) has a tick armed in its LAPIC. Left
// alone it expires while nobody runs, and the next cell begins with the guest kernel's tick code: about
// 2 ms where kernel mode is emulated, a few microseconds on hardware. So an expired tick is put a few
// milliseconds into the future when the guest goes on. It is never lost (0 stays 0), and never put off
// for longer than kMaxDeferral: Linux 6.1 reads wrong time after about 16 minutes without a tick.
// Only a vCPU parked in RX is deferred, never one that idles in HLT.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "kvm/vm.h"

namespace zb {

class TickDeferral {
 public:
  static constexpr std::chrono::minutes kMaxDeferral{5};

  TickDeferral(Vcpu& vcpu, uint64_t tsc_offset, uint32_t tsc_khz)
      : vcpu_(vcpu), tsc_offset_(tsc_offset), tsc_khz_(tsc_khz == 0 ? 1'000'000 : tsc_khz) {}

  // Before a fork's first entry: as far ahead as the template's tick was when it was captured (guest TSC
  // `deadline` at `tsc`), but at least Host::FirstTick(). Throws kKvmFailed when the timer did not take it.
  void ArmFirst(uint64_t deadline, uint64_t tsc);

  // The guest parks. Returns how long until Disarm() must be called, or nothing when no tick is armed.
  std::optional<std::chrono::nanoseconds> Park();
  // The guest is still parked and the tick is about to expire.
  void Disarm();
  // The guest goes on.
  void Unpark();
  // The guest has been parked for kMaxDeferral: let it take one tick at once.
  void ForceTick();

 private:
  uint64_t GuestTsc() const;
  uint64_t Ticks(std::chrono::microseconds duration) const {
    return static_cast<uint64_t>(duration.count()) * tsc_khz_ / 1000;
  }

  Vcpu& vcpu_;
  uint64_t tsc_offset_;
  uint64_t tsc_khz_;
  uint64_t deadline_ = 0;        // what the guest had armed when it parked
  uint64_t programmed_ = 0;      // what we armed last; the guest arming another means that it has ticked
  uint64_t deferred_since_ = 0;  // guest TSC of the first deferral since it last ticked
  bool disarmed_ = false;
};

}  // namespace zb
