// /dev/kvm, opened once per process, and what it says about this host.
#pragma once

#include <cstdint>
#include <vector>

#include "kvm/fd.h"
#include "kvm/uapi.h"

namespace zb {

class Kvm {
 public:
  // Opens /dev/kvm on first use and checks the capabilities the engine needs.
  // Throws kKvmMissing, kKvmForbidden or kKvmUnsuitable; a later call tries again.
  static const Kvm& Get();

  Kvm(const Kvm&) = delete;
  Kvm& operator=(const Kvm&) = delete;

  int fd() const { return fd_.get(); }
  // Bytes of the shared run area of one vCPU.
  size_t run_bytes() const { return run_bytes_; }
  // Bytes of KVM_GET_XSAVE2's answer; at least sizeof(kvm_xsave).
  size_t xsave_bytes() const { return xsave_bytes_; }
  // What KVM can virtualise, unmodified.
  const std::vector<kvm_cpuid_entry2>& supported_cpuid() const { return supported_cpuid_; }
  // MSRs that belong to a vCPU's state.
  const std::vector<uint32_t>& msr_indices() const { return msr_indices_; }
  int Capability(uint32_t capability) const;

 private:
  Kvm();

  UniqueFd fd_;
  size_t run_bytes_ = 0;
  size_t xsave_bytes_ = 0;
  std::vector<kvm_cpuid_entry2> supported_cpuid_;
  std::vector<uint32_t> msr_indices_;
};

}  // namespace zb
