// What the engine knows of a guest kernel from inside: where some of its variables lie.
#pragma once

#include <array>
#include <cstdint>

namespace zb {

// Guest-physical addresses; 0: not known. All but total_forks only of a kernel of our own build, because the engine
// relies on what lies there as well.
struct KernelSymbols {
  // kernel/fork.c: how many processes and threads there have ever been.
  uint64_t total_forks = 0;
  // drivers/char/random.c, and its clock: see fork/rekey.h.
  uint64_t base_crng = 0;
  uint64_t input_pool = 0;
  uint64_t jiffies = 0;
  // kernel/time/timekeeping.c and hrtimer.c, and the vDSO's data: see fork/wall_clock.h.
  uint64_t tk_core = 0;
  uint64_t shadow_timekeeper = 0;
  uint64_t tk_fast_mono = 0;
  uint64_t vdso_data = 0;
  uint64_t hrtimer_bases = 0;
};

struct KernelSymbol {
  // As in the kernel's symbol table.
  const char* name;
  uint64_t KernelSymbols::*address;
};

// In the order in which snapshots hold them.
inline constexpr std::array<KernelSymbol, 9> kKernelSymbols{{
    {"total_forks", &KernelSymbols::total_forks},
    {"base_crng", &KernelSymbols::base_crng},
    {"input_pool", &KernelSymbols::input_pool},
    {"jiffies_64", &KernelSymbols::jiffies},
    {"tk_core", &KernelSymbols::tk_core},
    {"shadow_timekeeper", &KernelSymbols::shadow_timekeeper},
    {"tk_fast_mono", &KernelSymbols::tk_fast_mono},
    {"_vdso_data", &KernelSymbols::vdso_data},
    {"hrtimer_bases", &KernelSymbols::hrtimer_bases},
}};

}  // namespace zb
