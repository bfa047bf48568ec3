//   limitMemory(bytes)     of what is left in the guest, the cells may have so much more
//   collectGarbage()       all of it
//   fillMemory()           what malloc and V8 are asked for first is there already
//   touchMemory()          every page of the program, its libraries and its heaps, before somebody needs it
//
// JavaScript's heap has a limit of its own (--max-old-space-size). A cell that reaches it is broken off like an
// interrupted one and what it made is kept; where not even that is possible the agent says why it ends.
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <vector>

#include "calls.h"

extern "C" {
#include "areas.h"
#include "heap.h"
#include "link.h"
}

namespace zb {
namespace {

// What breaking a cell off and reporting it may take.
constexpr size_t kReserveBytes = 32u << 20;
// Given back to the limit when the heap has shrunk to so much of it.
constexpr double kRestoreBelow = 0.8;
// The stack of the main thread and of children, as everywhere.
constexpr rlim_t kStackBytes = 8u << 20;

size_t NearLimit(void *, size_t current, size_t initial) {
  StopForMemory();
  // A second time, before the first has helped, is the end.
  return current > initial ? current : current + kReserveBytes;
}

void OnOutOfMemory(const char *, const v8::OOMDetails &) { zb_link_end(ZB_AGENT_EXIT_OUT_OF_MEMORY); }

// A line `Name:  123 kB` of a file in /proc, in bytes; 0 without one.
size_t Field(const char *path, const char *format) {
  std::FILE *file = std::fopen(path, "re");
  if (file == nullptr) return 0;
  char line[128];
  size_t kib = 0;
  while (kib == 0 && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, format, &kib) != 1) kib = 0;
  }
  std::fclose(file);
  return kib << 10;
}

// Of what the guest has left: V8's compiler takes most of it.
constexpr size_t kHeapShare = 10;
constexpr size_t kHeapMost = 24u << 20;

void FillMemory(Args) {
  zb_areas_fill();
  zb_heap_fill(std::min(kHeapMost, Field("/proc/meminfo", "MemAvailable: %zu") / kHeapShare));
}

void LimitMemory(Args args) {
  v8::Isolate *isolate = args.GetIsolate();
  const double share = args[0].As<v8::Number>()->Value();
  const size_t used = Field("/proc/self/status", "VmData: %zu");
  const size_t available = Field("/proc/meminfo", "MemAvailable: %zu");
  const rlimit data = {used + static_cast<size_t>(static_cast<double>(available) * share), RLIM_INFINITY};
  const rlimit stack = {kStackBytes, RLIM_INFINITY};
  // The hard limits stay: who knows better may raise the soft ones.
  if (setrlimit(RLIMIT_DATA, &data) < 0 || setrlimit(RLIMIT_STACK, &stack) < 0) ThrowErrno(isolate, "limits");
  isolate->SetOOMErrorHandler(OnOutOfMemory);
  isolate->AddNearHeapLimitCallback(NearLimit, nullptr);
  isolate->AutomaticallyRestoreInitialHeapLimit(kRestoreBelow);
}

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // since Linux 6.1
#endif

constexpr uintptr_t kHugeBytes = 2u << 20;
constexpr uintptr_t kPageBytes = 4096;

// The pieces of 2 MiB of [begin, end) that have pages already become huge ones: of compiled code, which a first cell
// runs much of and hardly ever writes.
void MakeCodeHuge(uintptr_t begin, uintptr_t end) {
  std::FILE *pagemap = std::fopen("/proc/self/pagemap", "re");
  if (pagemap == nullptr) return;
  std::vector<uint64_t> entries(kHugeBytes / kPageBytes);
  for (uintptr_t at = begin; at + kHugeBytes <= end; at += kHugeBytes) {
    if (std::fseek(pagemap, static_cast<long>(at / kPageBytes * sizeof(uint64_t)), SEEK_SET) != 0) break;
    if (std::fread(entries.data(), sizeof(uint64_t), entries.size(), pagemap) != entries.size()) break;
    // Bit 63: present (Documentation/admin-guide/mm/pagemap.rst).
    const bool used = std::any_of(entries.begin(), entries.end(), [](uint64_t entry) { return entry >> 63 != 0; });
    if (used) madvise(reinterpret_cast<void *>(at), kHugeBytes, MADV_COLLAPSE);
  }
  std::fclose(pagemap);
}

// A fork then finds them in its page tables, where each would else cost its kernel a fault. Kernels before 5.14 refuse,
// and lose nothing but that. Pages of zeroes take no room in a template's
// file.
void TouchMemory(Args) {
  std::FILE *maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) return;
  char line[512];
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long begin = 0, end = 0;
    char rights[5], path[16] = "";
    if (std::sscanf(line, "%lx-%lx %4s %*s %*s %*s %15s", &begin, &end, rights, path) < 3) continue;
    const std::string_view access(rights), what(path);
    const bool program = what.starts_with('/') && access[0] == 'r' && access[1] != 'w';
    if (access == "rwxp" && what.empty()) MakeCodeHuge((begin + kHugeBytes - 1) & ~(kHugeBytes - 1), end);
    if (program) madvise(reinterpret_cast<void *>(begin), end - begin, MADV_POPULATE_READ);
  }
  std::fclose(maps);
  zb_heap_touch();
}

void CollectGarbage(Args args) { args.GetIsolate()->LowMemoryNotification(); }

}  // namespace

void AddMemoryCalls(v8::Local<v8::Object> exports) {
  Define(exports, "limitMemory", LimitMemory);
  Define(exports, "collectGarbage", CollectGarbage);
  Define(exports, "fillMemory", FillMemory);
  Define(exports, "touchMemory", TouchMemory);
}

}  // namespace zb
