#include <fstream>
#include <thread>
#include <vector>

#include "scenarios.h"
#include "template/pages.h"

namespace zb::bench {
namespace {

// The kernel adds its per-CPU page counts up once a second (vm.stat_interval) and gives up an ended VM's pages
// in its own time: a figure read at once is of some other moment.
uint64_t AvailableBytes() {
  std::this_thread::sleep_for(std::chrono::seconds(2));
  std::ifstream meminfo("/proc/meminfo");
  std::string field;
  uint64_t kibibytes = 0;
  while (meminfo >> field) {
    if (field == "MemAvailable:" && meminfo >> kibibytes) return kibibytes * 1024;
  }
  throw EngineError(ErrorCode::kIoFailed, "/proc/meminfo has no MemAvailable");
}

}  // namespace

MemoryPerFork MeasureMemory(const std::shared_ptr<const Template>& source, const Cell& cell, size_t count) {
  MemoryPerFork result{.forks = count};
  uint64_t private_pages = 0;
  std::vector<std::unique_ptr<Conversation>> forks;
  const uint64_t before = AvailableBytes();
  for (size_t i = 0; i < count; i++) {
    Conversation& fork = *forks.emplace_back(std::make_unique<Conversation>(source));
    RunCell(fork, cell);
    if (!fork.WaitUntilParked(std::chrono::seconds(30))) {
      throw EngineError(ErrorCode::kVmClosed, "the fork did not come to rest");
    }
  }
  const uint64_t after = AvailableBytes();
  for (const auto& fork : forks) private_pages += CountPages(fork->vm().PrivatePageRuns());
  const auto each = static_cast<double>(count);
  result.bytes = (static_cast<double>(before) - static_cast<double>(after)) / each;
  result.private_bytes = static_cast<double>(private_pages * kPageBytes) / each;
  return result;
}

}  // namespace zb::bench
