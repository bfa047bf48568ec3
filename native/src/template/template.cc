#include "template/template.h"

#include "machine/long_mode.h"

namespace zb {

std::atomic<int> Template::live_{0};

Template::Template(TemplateInfo info, VcpuState vcpu, DeviceState devices, UniqueFd ram,
                   std::shared_ptr<const RootImage> root, std::vector<kvm_cpuid_entry2> cpuid,
                   std::vector<PageRun> working_set)
    : info_(std::move(info)),
      vcpu_(std::move(vcpu)),
      devices_(devices),
      ram_(std::move(ram)),
      root_(std::move(root)),
      cpuid_(std::move(cpuid)) {
  SetWorkingSet(std::move(working_set));
  live_++;
}

Template::~Template() { live_--; }

std::span<const kvm_msr_entry> Template::msrs_to_restore() const {
  std::lock_guard lock(msrs_mutex_);
  if (!msrs_to_restore_) {
    msrs_to_restore_ = MsrsToRestore(vcpu_.msrs, [this](Vcpu& vcpu) { SetCpuid(vcpu, cpuid_); });
  }
  return *msrs_to_restore_;
}

void Template::SetWorkingSet(std::vector<PageRun> runs) {
  working_set_ = std::move(runs);
  info_.working_set_pages = 0;
  for (const PageRun& run : working_set_) info_.working_set_pages += run.count;
}

}  // namespace zb
