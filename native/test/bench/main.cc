// The engine's own measurements, without Node: one JSON object per figure, with every sample.
//
//   bench SNAPSHOT ROOT_IMAGE [--loads N] [--forks N] [--cells N] [--idle-forks N]
//         [--runtime-rounds N] [--code CODE --output TEXT]
//
// Each N is a number of rounds; what is not asked for is not measured. Variants of one thing take turns in
// every round, so that a machine whose speed drifts drifts for all of them. `--code` is the cell for a runtime
// and for idle forks, if the template is not Python's. test/bench runs this and makes the table.
#include <cstdlib>
#include <functional>
#include <map>

#include "cell.h"
#include "fork/forked_vm.h"
#include "scenarios.h"
#include "template/snapshot_file.h"

namespace {

struct Plan {
  std::map<std::string, size_t> rounds = {
      {"--loads", 0}, {"--forks", 0}, {"--cells", 0}, {"--idle-forks", 0}, {"--runtime-rounds", 0}};
  zb::bench::Cell cell = zb::bench::kCell;
};

bool Parse(int argc, char** argv, Plan& plan) {
  if (argc < 3 || argc % 2 == 0) return false;
  const std::map<std::string, std::string*> texts = {{"--code", &plan.cell.code}, {"--output", &plan.cell.output}};
  for (int i = 3; i < argc; i += 2) {
    const std::string option = argv[i];
    const char* value = argv[i + 1];
    if (const auto text = texts.find(option); text != texts.end()) {
      *text->second = value;
    } else if (const auto number = plan.rounds.find(option); number != plan.rounds.end()) {
      char* end = nullptr;
      number->second = std::strtoul(value, &end, 10);
      if (end == value || *end != '\0') return false;
    } else {
      return false;
    }
  }
  return true;
}

// Figures are printed when their scenario is over: a failure of the next one does not take them along.
void Run(const char* snapshot, const char* root_image, const Plan& plan) {
  using namespace zb::bench;
  const auto measure = [&](const std::string& option, const std::function<void(size_t, Figures&)>& scenario) {
    const size_t rounds = plan.rounds.at(option);
    if (rounds == 0) return;
    Figures figures;
    scenario(rounds, figures);
    figures.Print();
    zb::ForkedVm::JoinReaped();
  };
  measure("--loads", [&](size_t n, Figures& to) { MeasureLoads(snapshot, root_image, n, to); });
  const std::shared_ptr<const zb::Template> source = zb::LoadSnapshot(snapshot, root_image);
  measure("--forks", [&](size_t n, Figures& to) { MeasureForks(source, n, to); });
  measure("--cells", [&](size_t n, Figures& to) { MeasureCells(source, n, to); });
  measure("--runtime-rounds", [&](size_t n, Figures& to) { MeasureRuntime(source, plan.cell, n, to); });
  if (const size_t forks = plan.rounds.at("--idle-forks"); forks > 0) {
    const MemoryPerFork memory = MeasureMemory(source, plan.cell, forks);
    std::printf("{\"memoryPerFork\":{\"forks\":%zu,\"bytes\":%.0f,\"privateBytes\":%.0f}}\n", memory.forks,
                memory.bytes, memory.private_bytes);
  }
  zb::ForkedVm::JoinReaped();
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  if (!Parse(argc, argv, plan)) {
    std::fprintf(stderr,
                 "usage: bench SNAPSHOT ROOT_IMAGE [--loads N] [--forks N] [--cells N] [--idle-forks N]\n"
                 "             [--runtime-rounds N] [--code CODE] [--output TEXT]\n");
    return 2;
  }
  try {
    Run(argv[1], argv[2], plan);
    return 0;
  } catch (const zb::EngineError& error) {
    std::fprintf(stderr, "%s: %s\n", zb::ErrorCodeName(error.code()), error.what());
    return 1;
  }
}
