// The engine's own measurements, without Node: one JSON object per figure, with every sample.
//
//   bench SNAPSHOT ROOT_IMAGE [--loads N] [--forks N] [--cells N] [--idle-forks N]
//
// Each N is a number of rounds; what is not asked for is not measured. Variants of one thing take turns in
// every round, so that a machine whose speed drifts drifts for all of them. test/bench runs this and makes
// the table.
#include <cstdlib>
#include <cstring>

#include "fork/forked_vm.h"
#include "scenarios.h"
#include "template/snapshot_file.h"

namespace {

struct Rounds {
  size_t loads = 0;
  size_t forks = 0;
  size_t cells = 0;
  size_t idle_forks = 0;
};

bool Parse(int argc, char** argv, Rounds& rounds) {
  if (argc < 3 || argc % 2 == 0) return false;
  for (int i = 3; i < argc; i += 2) {
    const std::string option = argv[i];
    size_t* value = option == "--loads"        ? &rounds.loads
                    : option == "--forks"      ? &rounds.forks
                    : option == "--cells"      ? &rounds.cells
                    : option == "--idle-forks" ? &rounds.idle_forks
                                               : nullptr;
    char* end = argv[i + 1];
    if (value != nullptr) *value = std::strtoul(argv[i + 1], &end, 10);
    if (value == nullptr || end == argv[i + 1] || *end != '\0') return false;
  }
  return true;
}

// Figures are printed when their scenario is over: a failure of the next one does not take them along.
void Run(const char* snapshot, const char* root_image, const Rounds& rounds) {
  using namespace zb::bench;
  if (rounds.loads > 0) {
    Figures figures;
    MeasureLoads(snapshot, root_image, rounds.loads, figures);
    figures.Print();
  }
  const std::shared_ptr<const zb::Template> source = zb::LoadSnapshot(snapshot, root_image);
  if (rounds.forks > 0) {
    Figures figures;
    MeasureForks(source, rounds.forks, figures);
    figures.Print();
  }
  if (rounds.cells > 0) {
    Figures figures;
    MeasureCells(source, rounds.cells, figures);
    figures.Print();
  }
  zb::ForkedVm::JoinReaped();
  if (rounds.idle_forks > 0) {
    const MemoryPerFork memory = MeasureMemory(source, rounds.idle_forks);
    std::printf("{\"memoryPerFork\":{\"forks\":%zu,\"bytes\":%.0f,\"privateBytes\":%.0f}}\n", memory.forks,
                memory.bytes, memory.private_bytes);
  }
  zb::ForkedVm::JoinReaped();
}

}  // namespace

int main(int argc, char** argv) {
  Rounds rounds;
  if (!Parse(argc, argv, rounds)) {
    std::fprintf(stderr, "usage: bench SNAPSHOT ROOT_IMAGE [--loads N] [--forks N] [--cells N] [--idle-forks N]\n");
    return 2;
  }
  try {
    Run(argv[1], argv[2], rounds);
    return 0;
  } catch (const zb::EngineError& error) {
    std::fprintf(stderr, "%s: %s\n", zb::ErrorCodeName(error.code()), error.what());
    return 1;
  }
}
