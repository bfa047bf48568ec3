// The state a vCPU needs at the kernel's 64-bit entry (Documentation/x86/boot.rst): long mode, identity-mapped, flat.
#pragma once

#include "kvm/vm.h"
#include "machine/guest_memory.h"

namespace zb {

// Writes page tables and a GDT into low memory and points the vCPU at `entry`.
void EnterLongMode(Vcpu& vcpu, GuestMemory& memory, uint64_t entry);

// The CPUID every VM of ours gets: KVM's, less what would make the host write guest pages behind our
// back (asynchronous page faults, steal time, PV EOI), for one processor.
std::vector<kvm_cpuid_entry2> GuestCpuid();
void SetCpuid(Vcpu& vcpu, const std::vector<kvm_cpuid_entry2>& entries);

}  // namespace zb
