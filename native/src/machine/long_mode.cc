#include "machine/long_mode.h"

#include <cstring>

namespace zb {
namespace {

constexpr uint64_t kPml4Gpa = kPageTablesGpa;
constexpr uint64_t kPdptGpa = kPageTablesGpa + 0x1000;
constexpr uint64_t kDirectoryGpa = kPageTablesGpa + 0x2000;
constexpr uint64_t kEntries = 512;
constexpr uint64_t kPresentWritable = 0x3;
constexpr uint64_t kLargePage = 0x80;
constexpr uint64_t kGigabytes = 1;

constexpr uint64_t kCr0ProtectedMode = 1ULL << 0;
constexpr uint64_t kCr0ExtensionType = 1ULL << 4;
constexpr uint64_t kCr0Paging = 1ULL << 31;
constexpr uint64_t kCr4Pae = 1ULL << 5;
constexpr uint64_t kEferLongMode = 1ULL << 8;
constexpr uint64_t kEferLongModeActive = 1ULL << 10;

constexpr uint16_t kCodeSelector = 0x10;  // __BOOT_CS
constexpr uint16_t kDataSelector = 0x18;  // __BOOT_DS
constexpr uint64_t kCodeDescriptor = 0x00af9b000000ffff;
constexpr uint64_t kDataDescriptor = 0x00cf93000000ffff;

kvm_segment FlatSegment(uint16_t selector, bool code) {
  kvm_segment segment{};
  segment.limit = 0xffffffff;
  segment.selector = selector;
  segment.type = code ? 0xb : 0x3;
  segment.present = 1;
  segment.s = 1;
  segment.g = 1;
  segment.l = code ? 1 : 0;
  segment.db = code ? 0 : 1;
  return segment;
}

constexpr uint32_t kLeafFeatures = 1;
constexpr uint32_t kLeafKvmFeatures = 0x40000001;
constexpr uint32_t kFeatureHypervisor = 1u << 31;
constexpr uint32_t kFeatureTscDeadline = 1u << 24;
// Documentation/virt/kvm/x86/cpuid.rst
constexpr uint32_t kKvmAsyncPf = 1u << 4;
constexpr uint32_t kKvmStealTime = 1u << 5;
constexpr uint32_t kKvmPvEoi = 1u << 6;
constexpr uint32_t kKvmAsyncPfVmexit = 1u << 10;
constexpr uint32_t kKvmAsyncPfInt = 1u << 14;
constexpr uint32_t kKvmHidden = kKvmAsyncPf | kKvmStealTime | kKvmPvEoi | kKvmAsyncPfVmexit | kKvmAsyncPfInt;

}  // namespace

void EnterLongMode(Vcpu& vcpu, GuestMemory& memory, uint64_t entry) {
  memory.Store(kPml4Gpa, kPdptGpa | kPresentWritable);
  for (uint64_t gigabyte = 0; gigabyte < kGigabytes; gigabyte++) {
    memory.Store(kPdptGpa + gigabyte * 8, (kDirectoryGpa + gigabyte * kPageBytes) | kPresentWritable);
    for (uint64_t i = 0; i < kEntries; i++) {
      memory.Store(kDirectoryGpa + gigabyte * kPageBytes + i * 8,
                   ((gigabyte * kEntries + i) << 21) | kPresentWritable | kLargePage);
    }
  }
  memory.Store(kGdtGpa + kCodeSelector, kCodeDescriptor);
  memory.Store(kGdtGpa + kDataSelector, kDataDescriptor);

  kvm_sregs sregs = vcpu.GetSregs();
  sregs.cs = FlatSegment(kCodeSelector, true);
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = FlatSegment(kDataSelector, false);
  sregs.gdt.base = kGdtGpa;
  sregs.gdt.limit = kDataSelector + 7;
  sregs.idt.base = 0;
  sregs.idt.limit = 0;
  sregs.cr3 = kPml4Gpa;
  sregs.cr4 = kCr4Pae;
  sregs.cr0 = kCr0ProtectedMode | kCr0ExtensionType | kCr0Paging;
  sregs.efer = kEferLongMode | kEferLongModeActive;
  vcpu.SetSregs(sregs);

  kvm_regs regs{};
  regs.rip = entry;
  regs.rsi = kBootParamsGpa;
  regs.rsp = kBootStackGpa;
  regs.rflags = 2;
  vcpu.SetRegs(regs);
}

std::vector<kvm_cpuid_entry2> GuestCpuid() {
  std::vector<kvm_cpuid_entry2> entries = Kvm::Get().supported_cpuid();
  for (kvm_cpuid_entry2& entry : entries) {
    if (entry.function == kLeafFeatures) {
      entry.ecx |= kFeatureHypervisor | kFeatureTscDeadline;
      // One logical processor, APIC id 0, whatever processor this was read on.
      entry.ebx = (entry.ebx & 0x0000ffff) | (1u << 16);
    } else if (entry.function == 0xb || entry.function == 0x1f || entry.function == 0x80000026) {
      entry.edx = 0;  // x2APIC id
    } else if (entry.function == 0x8000001e) {
      entry.eax = 0;  // extended APIC id
      entry.ebx &= ~0xffu;
    } else if (entry.function == kLeafKvmFeatures) {
      entry.eax &= ~kKvmHidden;
    }
  }
  return entries;
}

void SetCpuid(Vcpu& vcpu, const std::vector<kvm_cpuid_entry2>& entries) {
  std::vector<uint64_t> buffer((sizeof(kvm_cpuid2) + entries.size() * sizeof(kvm_cpuid_entry2) + 7) / 8);
  // SAFETY: kvm_cpuid2 is a count followed by its entries.
  auto* cpuid = reinterpret_cast<kvm_cpuid2*>(buffer.data());
  cpuid->nent = static_cast<uint32_t>(entries.size());
  std::memcpy(cpuid->entries, entries.data(), entries.size() * sizeof(kvm_cpuid_entry2));
  ZB_IOCTL(vcpu.fd(), KVM_SET_CPUID2, cpuid);
}

}  // namespace zb
