// A template: a booted, frozen guest whose memory is sealed and whose state every fork inherits.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kvm/vcpu_state.h"
#include "machine/guest_memory.h"
#include "machine/machine.h"
#include "template/kernel_symbols.h"

namespace zb {

// Bumped when anything a snapshot holds, or the link's ABI, changes its meaning.
inline constexpr uint32_t kEngineAbi = 5;

struct PageRun {
  uint32_t first = 0;  // page index: GPA / 4096
  uint32_t count = 0;
};

// What a template is, apart from its memory and registers.
struct TemplateInfo {
  std::string label;
  std::string runtime;
  std::string kernel_digest;
  std::string root_digest;
  uint32_t root_crc = 0;
  std::string cpu_digest;
  std::string host_kind;
  uint32_t engine_abi = kEngineAbi;
  uint32_t tsc_khz = 0;
  uint64_t memory_mb = 0;
  uint64_t root_bytes = 0;
  uint64_t touched_end = MemoryLayout::kUnknown;  // see MemoryLayout
  KernelSymbols symbols;
  uint64_t stored_pages = 0;
  uint64_t working_set_pages = 0;
  int64_t captured_at_ms = 0;
  uint64_t boot_ms = 0;

  MemoryLayout layout() const {
    return {.ram_bytes = memory_mb * kMiB, .root_bytes = root_bytes, .touched_end = touched_end};
  }
};

// Immutable once made; shared by its forks, which keep it alive.
class Template {
 public:
  Template(TemplateInfo info, VcpuState vcpu, DeviceState devices, UniqueFd ram, std::shared_ptr<const RootImage> root,
           std::vector<kvm_cpuid_entry2> cpuid, std::vector<PageRun> working_set);
  ~Template();
  Template(const Template&) = delete;
  Template& operator=(const Template&) = delete;

  const TemplateInfo& info() const { return info_; }
  const VcpuState& vcpu() const { return vcpu_; }
  // Those of vcpu() that a fork has to write. Asked of KVM when first called. Throws kKvmFailed.
  std::span<const kvm_msr_entry> msrs_to_restore() const;
  const DeviceState& devices() const { return devices_; }
  // Sealed memfd of info().layout().total_bytes().
  int ram_fd() const { return ram_.get(); }
  const std::shared_ptr<const RootImage>& root() const { return root_; }
  const std::vector<kvm_cpuid_entry2>& cpuid() const { return cpuid_; }
  const std::vector<PageRun>& working_set() const { return working_set_; }
  // Set once, after capture and before anybody else sees the template.
  void SetWorkingSet(std::vector<PageRun> runs);

  static int live() { return live_.load(); }

 private:
  static std::atomic<int> live_;
  TemplateInfo info_;
  VcpuState vcpu_;
  mutable std::mutex msrs_mutex_;  // guards msrs_to_restore_
  mutable std::optional<std::vector<kvm_msr_entry>> msrs_to_restore_;
  DeviceState devices_;
  UniqueFd ram_;
  std::shared_ptr<const RootImage> root_;
  std::vector<kvm_cpuid_entry2> cpuid_;
  std::vector<PageRun> working_set_;
};

}  // namespace zb
