// The runtime's code in huge pages: one fault of a fork where there were hundreds.
#pragma once

#include <cstdint>
#include <vector>

#include "kvm/uapi.h"
#include "machine/guest_memory.h"

namespace zb {

// Guest-physical addresses of the 2 MiB pages that the guest has mapped for user mode, either not for writing
// or for execution, too, as compilers at run time do (AMD64 manual volume 2, 5.3.4 and 5.6). Bounded, whatever the
// tables say.
std::vector<uint64_t> HugeTextPages(const GuestMemory& memory, const kvm_sregs& sregs);

// Has the host, too, keep those pages of a sealed template's memory and of its root image in one piece, so that KVM
// maps each by one entry.
// As far as it can: without huge pages nothing but faults of forks is lost.
void KeepHugeTextWhole(int ram_fd, const MemoryLayout& layout, const RootImage& root, const kvm_sregs& sregs);

}  // namespace zb
