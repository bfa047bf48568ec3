#include <thread>

#include "cell.h"
#include "scenarios.h"
#include "terminal.h"

namespace zb::bench {
namespace {

constexpr std::chrono::milliseconds kSpacing{50};
constexpr int kBackToBack = 5;
constexpr int kWarmUp = 20;

void MeasureLinkCell(const std::string& name, Conversation& fork, Figures& figures) {
  figures.Measure(name, [&] {
    const Stopwatch watch;
    RunCell(fork);
    return watch.microseconds();
  });
}

void MeasureTerminalCell(TerminalGuest& guest, Figures& figures) {
  figures.Measure("cell/uart_round_trip", [&] {
    const Stopwatch watch;
    const std::string line = guest.Run(kCell.code) + "\n";
    const double microseconds = watch.microseconds();
    if (line != kCell.output) throw EngineError(ErrorCode::kVmClosed, "the terminal showed something else: " + line);
    return microseconds;
  });
}

}  // namespace

void MeasureCells(const std::shared_ptr<const Template>& source, size_t rounds, Figures& figures) {
  Conversation fork(source);
  for (int i = 0; i < kWarmUp; i++) RunCell(fork);
  TerminalGuest terminal(source);
  terminal.Run(kCell.code);
  for (size_t round = 0; round < rounds; round++) {
    for (int i = 0; i < kBackToBack; i++) MeasureLinkCell("cell/engine_round_trip", fork, figures);
    MeasureTerminalCell(terminal, figures);
    // The pause is what is measured: the guest parks, its tick falls due, the host's caches go to others.
    std::this_thread::sleep_for(kSpacing);
    MeasureLinkCell("cell/engine_round_trip_spaced", fork, figures);
    if ((round + 1) % 50 == 0) std::fprintf(stderr, "cell: %zu of %zu rounds\n", round + 1, rounds);
  }
}

}  // namespace zb::bench
