#include <cpuid.h>
#include <x86intrin.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "hosts/host.h"
#include "machine/long_mode.h"

namespace zb {
namespace {

class Fnv1a {
 public:
  void Add(uint64_t value) {
    for (int i = 0; i < 8; i++) {
      hash_ = (hash_ ^ ((value >> (8 * i)) & 0xff)) * 0x100000001b3ULL;
    }
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325ULL;
};

// Leaves that tell topology or the processor it was read on, not abilities.
bool IsPositional(uint32_t function) {
  return function == 0xb || function == 0x1f || function == 0x80000026 || function == 0x8000001e || function == 4 ||
         function == 0x8000001d || function == 0x40000010;
}

[[gnu::target("xsave")]] uint64_t ReadXcr0() { return _xgetbv(0); }

bool HasOsXsave() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & (1u << 27)) != 0;
}

// From /proc/cpuinfo: the MSR itself is not readable without privilege. 0 when unknown.
uint32_t ReadMicrocode() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.rfind("microcode", 0) != 0) continue;
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return 0;
    return static_cast<uint32_t>(std::strtoul(line.c_str() + colon + 1, nullptr, 16));
  }
  return 0;
}

// A VM's frequency is what a guest would see; KVM answers per VM or vCPU only.
uint32_t ReadTscKhz() {
  const Vm vm;
  const Vcpu vcpu(vm);
  const int khz = TryIoctl(vcpu.fd(), KVM_GET_TSC_KHZ, 0UL);
  return khz > 0 ? static_cast<uint32_t>(khz) : 0;
}

}  // namespace

CpuIdentity ReadCpuIdentity() {
  CpuIdentity identity;
  uint32_t a = 0, b = 0, c = 0, d = 0;
  __cpuid(0, a, b, c, d);
  char vendor[13] = {};
  std::memcpy(vendor, &b, 4);
  std::memcpy(vendor + 4, &d, 4);
  std::memcpy(vendor + 8, &c, 4);
  identity.vendor = vendor;
  __cpuid(1, a, b, c, d);
  identity.family = (a >> 8) & 0xf;
  identity.model = (a >> 4) & 0xf;
  if (identity.family == 0xf || identity.family == 6) identity.model |= ((a >> 16) & 0xf) << 4;
  if (identity.family == 0xf) identity.family += (a >> 20) & 0xff;
  identity.stepping = a & 0xf;
  identity.xcr0 = HasOsXsave() ? ReadXcr0() : 0;

  Fnv1a hash;
  for (const kvm_cpuid_entry2& entry : GuestCpuid()) {
    if (IsPositional(entry.function)) continue;
    hash.Add(entry.function | (static_cast<uint64_t>(entry.index) << 32));
    hash.Add(entry.eax | (static_cast<uint64_t>(entry.ebx) << 32));
    hash.Add(entry.ecx | (static_cast<uint64_t>(entry.edx) << 32));
  }
  hash.Add(identity.xcr0);
  identity.microcode = ReadMicrocode();
  hash.Add(identity.microcode);
  identity.tsc_khz = ReadTscKhz();
  char digest[17];
  std::snprintf(digest, sizeof(digest), "%016lx", hash.value());
  identity.digest = digest;
  return identity;
}

}  // namespace zb
