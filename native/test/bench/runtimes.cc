#include "scenarios.h"

namespace zb::bench {
namespace {

constexpr int kBackToBack = 5;
constexpr int kWarmUp = 20;

}  // namespace

void MeasureRuntime(const std::shared_ptr<const Template>& source, const Cell& cell, size_t rounds, Figures& figures) {
  for (size_t round = 0; round < rounds; round++) {
    figures.Measure("runtime/first_cell", [&] {
      const Stopwatch watch;
      Conversation fork(source);
      RunCell(fork, cell);
      return watch.microseconds();
    });
    // None begins while a VM is still being taken apart. It waits for every VM's end: no other may live here.
    ForkedVm::JoinReaped();
  }
  Conversation lasting(source);
  for (int i = 0; i < kWarmUp; i++) RunCell(lasting, cell);
  for (size_t cells = 0; cells < rounds * kBackToBack; cells++) {
    figures.Measure("runtime/cell", [&] {
      const Stopwatch watch;
      RunCell(lasting, cell);
      return watch.microseconds();
    });
  }
}

}  // namespace zb::bench
