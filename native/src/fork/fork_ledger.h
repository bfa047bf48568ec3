// What all forks of this process have done together, those that are gone included.
//
// Every fork counts for itself, on its own cache lines; they are only added up when somebody asks.
#pragma once

#include <array>
#include <cstdint>
#include <set>

#include "fork/guest_runner.h"

namespace zb {

struct ForkTotals {
  std::array<uint64_t, kExitKindNames.size()> exits{};
  uint64_t bytes_in = 0;   // to guests
  uint64_t bytes_out = 0;  // from guests
  uint64_t wakeups = 0;
  // Now, not so far: forks whose vCPU thread sleeps until there is something for them.
  uint64_t parked = 0;
};

// One fork's entry, for as long as that fork can count. Thread-safe.
class ForkLedgerEntry {
 public:
  // `runner` outlives the entry.
  explicit ForkLedgerEntry(const GuestRunner& runner);
  ~ForkLedgerEntry();
  ForkLedgerEntry(const ForkLedgerEntry&) = delete;
  ForkLedgerEntry& operator=(const ForkLedgerEntry&) = delete;

  static ForkTotals Sum();

 private:
  std::set<const GuestRunner*>::iterator place_;
};

}  // namespace zb
