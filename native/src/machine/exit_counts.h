// How often a guest has come out to us, by what for.
#pragma once

#include <linux/kvm.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace zb {

// KVM_EXIT_*, as far as a guest of ours is expected to have them; a kick is not an exit.
enum class ExitKind : uint8_t {
  kIo,
  kMmio,
  kIoapicEoi,
  kMsrWrite,
  kInternalError,  // what KVM's emulator lacks; see hosts/
  kShutdown,
  kSystemEvent,
  kOther,
};
inline constexpr std::array<const char*, 8> kExitKindNames = {
    "io", "mmio", "ioapic_eoi", "msr_write", "internal_error", "shutdown", "system_event", "other",
};

constexpr ExitKind KindOfExit(uint32_t exit_reason) {
  switch (exit_reason) {
    case KVM_EXIT_IO:
      return ExitKind::kIo;
    case KVM_EXIT_MMIO:
      return ExitKind::kMmio;
    case KVM_EXIT_IOAPIC_EOI:
      return ExitKind::kIoapicEoi;
    case KVM_EXIT_X86_WRMSR:
      return ExitKind::kMsrWrite;
    case KVM_EXIT_INTERNAL_ERROR:
      return ExitKind::kInternalError;
    case KVM_EXIT_SHUTDOWN:
      return ExitKind::kShutdown;
    case KVM_EXIT_SYSTEM_EVENT:
      return ExitKind::kSystemEvent;
    default:
      return ExitKind::kOther;
  }
}

// Written by the vCPU's thread alone, which is why it needs no locked instruction; read by any.
class ExitCounts {
 public:
  void Add(uint32_t exit_reason) {
    std::atomic<uint64_t>& count = counts_[static_cast<size_t>(KindOfExit(exit_reason))];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  uint64_t Of(size_t kind) const { return counts_[kind].load(std::memory_order_relaxed); }
  uint64_t Total() const {
    uint64_t total = 0;
    for (const auto& count : counts_) total += count.load(std::memory_order_relaxed);
    return total;
  }

 private:
  std::array<std::atomic<uint64_t>, kExitKindNames.size()> counts_{};
};

}  // namespace zb
