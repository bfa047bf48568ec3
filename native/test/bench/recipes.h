// Other ways to make a fork, to compare ours with.
#pragma once

#include <memory>

#include "fork/forked_vm.h"

namespace zb::bench {

// The least that any fork of this template must ask of the host: its memory mapped, a VM with our kind of
// interrupt chip and one memslot, a vCPU with its run area, CPUID, and the state without which no guest can go on.
// Returns microseconds; the VM is taken apart outside of them.
double MeasureFloor(const Template& source);

// The recipe of github.com/adammiribyan/zeroboot (src/vmm/kvm.rs, fork_cow): the interrupt chips all in the
// kernel, a PIT, the IOAPIC's redirection table and only then the memory, or the memory first and the rest
// the same. Nothing is prefaulted, and the tick is the template's as it was.
//
// Made to be compared with, so it differs from ours in that alone. The vCPU's state is restored by the same
// code, which also restores what the original leaves out and reports what it ignores.
ForkedVm::Options ZerobootWay(std::shared_ptr<const Template> source, bool memory_first);

}  // namespace zb::bench
