// Giving a fork's kernel its own randomness, before it runs and without running any of it.
//
// A fork inherits the template's random generator. Telling the guest to reseed costs system calls and hash
// blocks in the guest's kernel, tens of milliseconds where that is emulated. So for a kernel of our own
// build, whose layout is known, the host does what crng_reseed() does (drivers/char/random.c, Linux 6.1):
// replaces the key every output derives from and the pool the next reseed extracts from, and moves the
// generation on, which makes the per-CPU generator and every batch take the new key before their next
// byte. The key alone would not do: the next reseed would replace it from a pool that is the same in all
// forks. Its birth is now, or the first who asks for a byte would have the kernel reseed: ten milliseconds more where
// that is emulated.
#pragma once

#include "machine/guest_memory.h"
#include "template/kernel_symbols.h"

namespace zb {

inline bool CanRekey(const KernelSymbols& symbols) {
  return symbols.base_crng != 0 && symbols.input_pool != 0 && symbols.jiffies != 0;
}

// Fresh host randomness for each call. Throws kForkFailed: a fork without it must not run.
void RekeyGuestKernel(GuestMemory& memory, const KernelSymbols& symbols);

}  // namespace zb
