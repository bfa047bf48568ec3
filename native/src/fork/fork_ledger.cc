#include "fork/fork_ledger.h"

#include <mutex>

namespace zb {
namespace {

struct Ledger {
  std::mutex mutex;
  std::set<const GuestRunner*> forks;
  ForkTotals of_the_gone;
};

Ledger& TheLedger() {
  // Never destroyed: a fork may outlive the statics of a process that ends.
  static Ledger& ledger = *new Ledger;
  return ledger;
}

void Add(ForkTotals& totals, const GuestRunner& runner) {
  for (size_t kind = 0; kind < totals.exits.size(); kind++) totals.exits[kind] += runner.exit_counts().Of(kind);
  totals.bytes_in += runner.bytes_in();
  totals.bytes_out += runner.bytes_out();
  totals.wakeups += runner.wakeups();
  totals.parked += runner.parked() ? 1 : 0;
}

}  // namespace

ForkLedgerEntry::ForkLedgerEntry(const GuestRunner& runner) {
  Ledger& ledger = TheLedger();
  std::lock_guard lock(ledger.mutex);
  place_ = ledger.forks.insert(&runner).first;
}

ForkLedgerEntry::~ForkLedgerEntry() {
  Ledger& ledger = TheLedger();
  std::lock_guard lock(ledger.mutex);
  Add(ledger.of_the_gone, **place_);
  ledger.forks.erase(place_);
}

ForkTotals ForkLedgerEntry::Sum() {
  Ledger& ledger = TheLedger();
  std::lock_guard lock(ledger.mutex);
  ForkTotals totals = ledger.of_the_gone;
  for (const GuestRunner* runner : ledger.forks) Add(totals, *runner);
  return totals;
}

}  // namespace zb
