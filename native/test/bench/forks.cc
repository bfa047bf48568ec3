#include <algorithm>
#include <functional>
#include <random>

#include "cell.h"
#include "recipes.h"
#include "scenarios.h"

namespace zb::bench {
namespace {

// From nothing to the answer of the first cell: thread, fork, identity, prefault where there is one.
double FirstCell(const std::shared_ptr<const Template>& source, const ForkedVm::Options& options,
                 std::unique_ptr<Conversation>& fork) {
  const Stopwatch watch;
  fork = std::make_unique<Conversation>(source, options);
  RunCell(*fork);
  return watch.microseconds();
}

Conversation& Made(const std::unique_ptr<Conversation>& fork) {
  if (fork == nullptr) throw EngineError(ErrorCode::kForkFailed, "there is no fork to measure");
  return *fork;
}

// A fork as users get it, by whichever recipe, without the time of its prefault, which has a figure of its own.
void MeasureCreate(const std::string& name, const std::shared_ptr<const Template>& source, ForkedVm::Options options,
                   Figures& figures) {
  options.prefault = true;
  figures.Measure(name, [&] {
    const Conversation fork(source, options);
    return static_cast<double>(fork.times().create_us);
  });
}

void MeasureOurFirstCell(const std::shared_ptr<const Template>& source, Figures& figures) {
  std::unique_ptr<Conversation> fork;
  figures.Measure("fork/create_and_first_cell", [&] { return FirstCell(source, {.prefault = true}, fork); });
  figures.Measure("fork/prefault", [&] { return static_cast<double>(Made(fork).times().prefault_us); });
  figures.Measure("fork/teardown", [&] {
    Conversation& made = Made(fork);
    const Stopwatch watch;
    made.Close();
    ForkedVm::JoinReaped();
    return watch.microseconds();
  });
}

void MeasureTheirFirstCell(const std::shared_ptr<const Template>& source, Figures& figures) {
  std::unique_ptr<Conversation> fork;
  figures.Measure("fork/create_and_first_cell_memory_first",
                  [&] { return FirstCell(source, ZerobootWay(source, true), fork); });
}

}  // namespace

void MeasureForks(const std::shared_ptr<const Template>& source, size_t rounds, Figures& figures) {
  using Variant = std::function<void(Figures&)>;
  std::vector<Variant> variants = {
      [&](Figures& to) { to.Measure("fork/floor", [&] { return MeasureFloor(*source); }); },
      [&](Figures& to) { MeasureCreate("fork/create", source, {}, to); },
      [&](Figures& to) { MeasureCreate("fork/create_zeroboot_way", source, ZerobootWay(source, false), to); },
      [&](Figures& to) {
        MeasureCreate("fork/create_zeroboot_way_memory_first", source, ZerobootWay(source, true), to);
      },
      [&](Figures& to) { MeasureOurFirstCell(source, to); },
      [&](Figures& to) { MeasureTheirFirstCell(source, to); },
  };
  // Each round in another order, or each variant would always follow the same one and find the machine as that left
  // it: the kernel goes on freeing a VM after its end. And none begins while a VM is still being taken apart.
  std::mt19937 random(1);  // NOLINT: the same orders every time
  const auto round = [&](Figures& to) {
    std::shuffle(variants.begin(), variants.end(), random);
    for (const Variant& variant : variants) {
      variant(to);
      ForkedVm::JoinReaped();
    }
  };
  // The first of each kind pays for the kernel's caches, and nobody's fork is the first for long.
  Figures warm_up;
  round(warm_up);
  for (size_t i = 0; i < rounds; i++) {
    round(figures);
    if ((i + 1) % 50 == 0) std::fprintf(stderr, "fork: %zu of %zu rounds\n", i + 1, rounds);
  }
}

}  // namespace zb::bench
