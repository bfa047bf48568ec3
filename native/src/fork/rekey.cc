#include "fork/rekey.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "kvm/error.h"

namespace zb {
namespace {

// struct base_crng { u8 key[32]; unsigned long birth; unsigned long generation; spinlock_t lock; }
struct BaseCrng {
  uint8_t key[32];
  uint64_t birth;
  uint64_t generation;
};
// struct input_pool begins with struct blake2s_state, which begins with u32 h[8].
struct PoolHash {
  uint8_t h[32];
};

}  // namespace

void RekeyGuestKernel(GuestMemory& memory, const KernelSymbols& symbols) {
  auto crng = memory.Load<BaseCrng>(symbols.base_crng);
  const auto now = memory.Load<uint64_t>(symbols.jiffies);
  PoolHash pool{};
  if (!crng || !now || ::getrandom(crng->key, sizeof(crng->key), 0) != sizeof(crng->key) ||
      ::getrandom(pool.h, sizeof(pool.h), 0) != sizeof(pool.h)) {
    throw EngineError(ErrorCode::kForkFailed, "no randomness for the fork");
  }
  crng->birth = *now;
  crng->generation++;
  const bool stored = memory.Store(symbols.base_crng, *crng) && memory.Store(symbols.input_pool, pool);
  ::explicit_bzero(&*crng, sizeof(*crng));
  ::explicit_bzero(&pool, sizeof(pool));
  if (!stored) throw EngineError(ErrorCode::kForkFailed, "the fork's random generator is not in its memory");
}

}  // namespace zb
