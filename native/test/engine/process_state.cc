#include "engine/process_state.h"

#include <dirent.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include "engine/harness.h"
#include "fork/forked_vm.h"

namespace zb::test {
namespace {

size_t CountEntries(const char* folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder), ::closedir);
  Check(directory != nullptr, "no ", folder);
  size_t entries = 0;
  while (const dirent* entry = ::readdir(directory.get())) entries += entry->d_name[0] != '.';
  return entries;
}

}  // namespace

ProcessState ProcessState::Read() {
  ProcessState state;
  // Less the descriptor of the listing itself.
  state.descriptors = CountEntries("/proc/self/fd") - 1;
  state.threads = CountEntries("/proc/self/task");
  std::ifstream maps("/proc/self/maps");
  bool after_guard = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long start = 0, end = 0;
    char rights[5] = {};
    Check(std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, rights) == 3, "unreadable line of maps: ", line);
    // A thread's stack is a page without rights and what follows it.
    const bool guard = std::strcmp(rights, "---p") == 0 && end - start == kPageBytes;
    const bool stack = after_guard && std::strcmp(rights, "rw-p") == 0 && end - start < kMiB;
    if (stack) {
      state.mappings--;
    } else {
      state.mappings++;
    }
    after_guard = guard;
    for (const char* name : {"memfd:zeroboot", "kvm-vcpu"}) {
      if (line.find(name) != std::string::npos) state.guest_mappings++;
    }
  }
  state.live = ForkedVm::live();
  state.reaping = ForkedVm::reaping();
  return state;
}

std::string ProcessState::Summary() const {
  return Text(descriptors, " descriptors, ", threads, " threads, ", mappings, " mappings (", guest_mappings,
              " of guests), ", live, " live, ", reaping, " being reaped");
}

}  // namespace zb::test
