// Giving a fork the right time of day, before it runs and without running any of it.
//
// A fork's clocks go on where the template's stood. Its monotonic ones are right as they are; the time of day is
// as old as the template. Telling the guest costs a system call that walks the kernel's timekeeping, its timers
// and the vDSO's data, a fifth of a first cell where that is emulated. So for a kernel of our own build, whose
// layout is known, the host does what do_settimeofday64() does (kernel/time/timekeeping.c, Linux 6.1): moves the
// seconds and nanoseconds of the day, and by as much the other way what makes the monotonic time of them, in the
// timekeeper, its shadow, the copies that are read without locks, and the vDSO's. The timers are told, too: one for
// a time of day is set by how far that is from the monotonic time, and the tick by which the kernel would look
// anew may be far away.
#pragma once

#include <chrono>
#include <cstdint>

#include "machine/guest_memory.h"
#include "template/kernel_symbols.h"

namespace zb {

// Whether all of that is where and as we know it, and consistent; `kvm_clock_ns` is what the guest's clock shows,
// which its clocksource must be.
bool KnowsWallClock(const GuestMemory& memory, const KernelSymbols& symbols, uint64_t kvm_clock_ns);

// Of a template: its symbols are without the timekeeper's where that was not known when it was captured.
inline bool CanSetWallClock(const KernelSymbols& symbols) { return symbols.tk_core != 0; }
inline void ForgetWallClock(KernelSymbols& symbols) { symbols.tk_core = 0; }

// Makes it `wall`, since 1970, when the guest's clock shows `kvm_clock_ns`. Of a kernel that KnowsWallClock() and has
// not run since. Throws kForkFailed: a fork with another time must not run.
void SetWallClock(GuestMemory& memory, const KernelSymbols& symbols, uint64_t kvm_clock_ns,
                  std::chrono::nanoseconds wall);

}  // namespace zb
