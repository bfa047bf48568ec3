#include "hosts/host.h"

#include <sys/stat.h>

#include <fstream>

#include "hosts/pvm_host.h"

namespace zb {
namespace {

class HardwareHost : public Host {
 public:
  const char* kind() const override { return "hardware"; }
  std::string Description() const override { return "hardware KVM (VMX or SVM)"; }
  std::vector<std::string> Quirks() const override { return {}; }
  std::string CommandLine() const override { return ""; }
  std::unique_ptr<BootQuirks> NewBootQuirks(const LoadedKernel&) const override {
    return std::make_unique<BootQuirks>();
  }
  bool HandleEmulationFailure(Vcpu&, GuestMemory&) const override { return false; }
};

// The module names itself. Where another one is there too, /dev/kvm is that one's.
bool IsPvm() {
  struct stat status {};
  if (::stat("/sys/module/kvm_pvm", &status) == 0) {
    return ::stat("/sys/module/kvm_intel", &status) != 0 && ::stat("/sys/module/kvm_amd", &status) != 0;
  }
  return false;
}

}  // namespace

const Host& Host::Current() {
  // Never destroyed: a vCPU thread may outlive the statics of a process that exits.
  static const Host& host = IsPvm() ? static_cast<const Host&>(*new PvmHost()) : *new HardwareHost();
  return host;
}

}  // namespace zb
