// XSAVE64 and XRSTOR64 with operand (%rdi), as the SDM defines them (volume 1, 13.7-13.8), for a guest
// kernel whose emulator lacks them. Linux uses them at context switches and on signal frames.
#pragma once

#include "kvm/vm.h"
#include "machine/guest_memory.h"

namespace zb {

// The vCPU stands on the instruction. Carries it out and steps over it, or injects the fault it would
// raise and leaves RIP where it is. False only when the state cannot be handled at all.
bool EmulateXsave(Vcpu& vcpu, GuestMemory& memory);
bool EmulateXrstor(Vcpu& vcpu, GuestMemory& memory);

}  // namespace zb
