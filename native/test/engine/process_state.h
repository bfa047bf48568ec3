// What this process holds of the kernel: the things a leak would show in.
#pragma once

#include <cstddef>
#include <string>

namespace zb::test {

struct ProcessState {
  size_t descriptors = 0;
  size_t threads = 0;
  size_t mappings = 0;        // but thread stacks: glibc keeps some, by how many threads ended at one time
  size_t guest_mappings = 0;  // of guest memory, vCPU run areas and root images
  int live = 0;
  int reaping = 0;

  static ProcessState Read();
  bool LeavesNothingOver(const ProcessState& before) const {
    return descriptors == before.descriptors && threads == before.threads && mappings <= before.mappings &&
           guest_mappings == before.guest_mappings && live == before.live && reaping == before.reaping;
  }
  std::string Summary() const;
};

}  // namespace zb::test
