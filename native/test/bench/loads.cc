#include "scenarios.h"
#include "template/snapshot_file.h"

namespace zb::bench {

void MeasureLoads(const char* snapshot, const char* root_image, size_t rounds, Figures& figures) {
  for (size_t i = 0; i < rounds; i++) {
    // Nothing is kept from one to the next: the root image is copied and checked anew as well.
    std::shared_ptr<const Template> loaded;
    figures.Measure("template/load", [&] {
      const Stopwatch watch;
      loaded = LoadSnapshot(snapshot, root_image);
      return watch.microseconds();
    });
  }
}

}  // namespace zb::bench
