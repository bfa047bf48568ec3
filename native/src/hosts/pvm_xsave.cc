#include "hosts/pvm_xsave.h"

#include <cpuid.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "hosts/guest_walk.h"

namespace zb {
namespace {

// Standard format: legacy region, header, then components at fixed offsets.
constexpr size_t kLegacyBytes = 512;
constexpr size_t kHeaderBytes = 64;
constexpr size_t kX87Bytes = 24;  // FCW..FDP, before MXCSR
constexpr size_t kX87RegistersOffset = 32;
constexpr size_t kX87RegistersBytes = 128;
constexpr size_t kMxcsrOffset = 24;
constexpr size_t kMxcsrBytes = 8;  // MXCSR and MXCSR_MASK
constexpr size_t kXmmOffset = 160;
constexpr size_t kXmmBytes = 256;
constexpr size_t kMaxAreaBytes = 16384;
constexpr size_t kMaxPages = kMaxAreaBytes / kPageBytes + 1;

constexpr uint64_t kX87 = 1 << 0;
constexpr uint64_t kSse = 1 << 1;
constexpr uint64_t kAvx = 1 << 2;
constexpr uint32_t kInitialMxcsr = 0x1f80;
constexpr unsigned kFirstExtended = 2;
constexpr unsigned kMaxComponents = 63;

constexpr uint8_t kVectorGeneralProtection = 13;
constexpr uint8_t kVectorPageFault = 14;
constexpr uint32_t kFaultPresent = 1;
constexpr uint32_t kFaultWrite = 2;
constexpr uint64_t kCr0WriteProtect = 1ULL << 16;
constexpr uint64_t kEntryAccessedDirty = (1ULL << 5) | (1ULL << 6);
constexpr uint64_t kInstructionBytes = 4;
constexpr uint64_t kAlignment = 64;

using Area = std::array<uint8_t, kMaxAreaBytes>;

struct Component {
  uint32_t offset = 0;
  uint32_t size = 0;
};

// Offsets and sizes are the processor's (CPUID leaf 0xD), the same for guest and host.
const std::array<Component, kMaxComponents>& Components() {
  static const auto components = [] {
    std::array<Component, kMaxComponents> result{};
    for (unsigned i = kFirstExtended; i < kMaxComponents; i++) {
      uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
      __cpuid_count(0xd, i, eax, ebx, ecx, edx);
      if (eax != 0 && ebx != 0 && ebx + eax <= kMaxAreaBytes) result[i] = {.offset = ebx, .size = eax};
    }
    return result;
  }();
  return components;
}

size_t AreaBytes(uint64_t components) {
  size_t bytes = kLegacyBytes + kHeaderBytes;
  for (unsigned i = kFirstExtended; i < kMaxComponents; i++) {
    if ((components >> i & 1) != 0) bytes = std::max<size_t>(bytes, Components()[i].offset + Components()[i].size);
  }
  return bytes;
}

void Inject(Vcpu& vcpu, uint8_t vector, uint32_t error_code) {
  kvm_vcpu_events events{};
  ZB_IOCTL(vcpu.fd(), KVM_GET_VCPU_EVENTS, &events);
  events.exception.injected = 1;
  events.exception.nr = vector;
  events.exception.has_error_code = 1;
  events.exception.error_code = error_code;
  ZB_IOCTL(vcpu.fd(), KVM_SET_VCPU_EVENTS, &events);
}

void InjectPageFault(Vcpu& vcpu, kvm_sregs sregs, uint64_t address, uint32_t error_code) {
  sregs.cr2 = address;
  vcpu.SetSregs(sregs);
  Inject(vcpu, kVectorPageFault, error_code);
}

// The guest pages behind [address, address + bytes). All of them are walked before any is touched, so a
// fault leaves memory and registers as they were.
class Operand {
 public:
  Operand(GuestMemory& memory, uint64_t address, size_t bytes) : memory_(memory), address_(address), bytes_(bytes) {}

  // Returns false after injecting the fault.
  bool Resolve(Vcpu& vcpu, const kvm_sregs& sregs, bool write) {
    // Counted, because the end may lie behind the top of the address space: that wraps, as on the processor.
    const uint64_t offset = address_ % kPageBytes;
    const uint64_t pages = (offset + bytes_ + kPageBytes - 1) / kPageBytes;
    for (uint64_t i = 0; i < pages; i++) {
      const uint64_t page = address_ - offset + i * kPageBytes;
      const auto walk = WalkGuest(memory_, sregs, page);
      const uint64_t fault_address = i == 0 ? address_ : page;
      const uint32_t write_bit = write ? kFaultWrite : 0;
      if (!walk || !memory_.At(walk->gpa, kPageBytes)) {
        InjectPageFault(vcpu, sregs, fault_address, write_bit);
        return false;
      }
      if (write && !walk->writable && (sregs.cr0 & kCr0WriteProtect) != 0) {
        InjectPageFault(vcpu, sregs, fault_address, kFaultPresent | kFaultWrite);
        return false;
      }
      pages_[count_] = walk->gpa;
      entries_[count_++] = walk->entry_gpa;
    }
    if (write) MarkWritten();
    return true;
  }

  void Read(size_t offset, uint8_t* target, size_t bytes) const {
    ForEachPiece(offset, bytes, [&](uint8_t* guest, size_t done, size_t n) { std::memcpy(target + done, guest, n); });
  }
  void Write(size_t offset, const uint8_t* source, size_t bytes) {
    ForEachPiece(offset, bytes, [&](uint8_t* guest, size_t done, size_t n) { std::memcpy(guest, source + done, n); });
  }

 private:
  // What the processor would have set in the leaf entries of written pages.
  void MarkWritten() {
    for (size_t i = 0; i < count_; i++) {
      if (const auto entry = memory_.Load<uint64_t>(entries_[i])) {
        if ((*entry & kEntryAccessedDirty) != kEntryAccessedDirty) {
          memory_.Store(entries_[i], *entry | kEntryAccessedDirty);
        }
      }
    }
  }
  template <typename Piece>
  void ForEachPiece(size_t offset, size_t bytes, Piece piece) const {
    const uint64_t in_first = address_ & (kPageBytes - 1);
    size_t done = 0;
    while (done < bytes) {
      const uint64_t position = in_first + offset + done;
      const size_t n = std::min<size_t>(bytes - done, kPageBytes - position % kPageBytes);
      uint8_t* page = memory_.At(pages_[position / kPageBytes], kPageBytes)->data();
      piece(page + position % kPageBytes, done, n);
      done += n;
    }
  }

  GuestMemory& memory_;
  uint64_t address_;
  size_t bytes_;
  std::array<uint64_t, kMaxPages + 1> pages_{};
  std::array<uint64_t, kMaxPages + 1> entries_{};
  size_t count_ = 0;
};

bool ReadState(const Vcpu& vcpu, Area& area) {
  if (Kvm::Get().xsave_bytes() > area.size()) return false;
  if (Kvm::Get().Capability(KVM_CAP_XSAVE2) > 0) {
    ZB_IOCTL(vcpu.fd(), KVM_GET_XSAVE2, area.data());
  } else {
    ZB_IOCTL(vcpu.fd(), KVM_GET_XSAVE, area.data());
  }
  return true;
}

uint64_t Header(const Area& area) {
  uint64_t xstate_bv = 0;
  std::memcpy(&xstate_bv, area.data() + kLegacyBytes, sizeof(xstate_bv));
  return xstate_bv;
}

uint32_t Mxcsr(const Area& area) {
  uint32_t mxcsr = 0;
  std::memcpy(&mxcsr, area.data() + kMxcsrOffset, sizeof(mxcsr));
  return mxcsr;
}

uint64_t ReadXcr0(const Vcpu& vcpu) {
  kvm_xcrs xcrs{};
  ZB_IOCTL(vcpu.fd(), KVM_GET_XCRS, &xcrs);
  for (uint32_t i = 0; i < xcrs.nr_xcrs && i < KVM_MAX_XCRS; i++) {
    if (xcrs.xcrs[i].xcr == 0) return xcrs.xcrs[i].value;
  }
  return kX87;
}

uint64_t RequestedMask(const kvm_regs& regs) { return (regs.rdx << 32) | (regs.rax & 0xffffffff); }

void Step(Vcpu& vcpu, kvm_regs regs) {
  regs.rip += kInstructionBytes;
  vcpu.SetRegs(regs);
}

}  // namespace

bool EmulateXsave(Vcpu& vcpu, GuestMemory& memory) {
  const kvm_regs regs = vcpu.GetRegs();
  const kvm_sregs sregs = vcpu.GetSregs();
  if (regs.rdi % kAlignment != 0) {
    Inject(vcpu, kVectorGeneralProtection, 0);
    return true;
  }
  const uint64_t mask = RequestedMask(regs) & ReadXcr0(vcpu);
  Operand operand(memory, regs.rdi, AreaBytes(mask));
  if (!operand.Resolve(vcpu, sregs, true)) return true;
  Area state;
  if (!ReadState(vcpu, state)) return false;

  if ((mask & kX87) != 0) {
    operand.Write(0, state.data(), kX87Bytes);
    operand.Write(kX87RegistersOffset, state.data() + kX87RegistersOffset, kX87RegistersBytes);
  }
  if ((mask & (kSse | kAvx)) != 0) operand.Write(kMxcsrOffset, state.data() + kMxcsrOffset, kMxcsrBytes);
  if ((mask & kSse) != 0) operand.Write(kXmmOffset, state.data() + kXmmOffset, kXmmBytes);
  for (unsigned i = kFirstExtended; i < kMaxComponents; i++) {
    const Component& component = Components()[i];
    if ((mask >> i & 1) != 0) operand.Write(component.offset, state.data() + component.offset, component.size);
  }
  // XSTATE_BV keeps its bits outside the mask; XCOMP_BV and the rest of the header are not written.
  uint64_t xstate_bv = 0;
  operand.Read(kLegacyBytes, reinterpret_cast<uint8_t*>(&xstate_bv), sizeof(xstate_bv));
  uint64_t in_use = Header(state);
  if (Mxcsr(state) != kInitialMxcsr) in_use |= kSse;
  xstate_bv = (xstate_bv & ~mask) | (in_use & mask);
  operand.Write(kLegacyBytes, reinterpret_cast<const uint8_t*>(&xstate_bv), sizeof(xstate_bv));
  Step(vcpu, regs);
  return true;
}

bool EmulateXrstor(Vcpu& vcpu, GuestMemory& memory) {
  const kvm_regs regs = vcpu.GetRegs();
  const kvm_sregs sregs = vcpu.GetSregs();
  if (regs.rdi % kAlignment != 0) {
    Inject(vcpu, kVectorGeneralProtection, 0);
    return true;
  }
  const uint64_t xcr0 = ReadXcr0(vcpu);
  const uint64_t mask = RequestedMask(regs) & xcr0;
  Operand operand(memory, regs.rdi, AreaBytes(mask));
  if (!operand.Resolve(vcpu, sregs, false)) return true;

  struct {
    uint64_t xstate_bv;
    uint64_t xcomp_bv;
    uint64_t reserved[6];
  } header;
  static_assert(sizeof(header) == kHeaderBytes);
  operand.Read(kLegacyBytes, reinterpret_cast<uint8_t*>(&header), sizeof(header));
  uint32_t mxcsr[2] = {};
  operand.Read(kMxcsrOffset, reinterpret_cast<uint8_t*>(mxcsr), sizeof(mxcsr));

  Area state;
  if (!ReadState(vcpu, state)) return false;
  uint32_t mxcsr_mask = 0;
  std::memcpy(&mxcsr_mask, state.data() + kMxcsrOffset + 4, sizeof(mxcsr_mask));
  if (mxcsr_mask == 0) mxcsr_mask = 0xffbf;
  const bool loads_mxcsr = (mask & (kSse | kAvx)) != 0;
  const bool header_bad =
      (header.xstate_bv & ~xcr0) != 0 || header.xcomp_bv != 0 ||
      std::any_of(std::begin(header.reserved), std::end(header.reserved), [](uint64_t word) { return word != 0; });
  if (header_bad || (loads_mxcsr && (mxcsr[0] & ~mxcsr_mask) != 0)) {
    Inject(vcpu, kVectorGeneralProtection, 0);
    return true;
  }

  const uint64_t load = mask & header.xstate_bv;
  if ((load & kX87) != 0) {
    operand.Read(0, state.data(), kX87Bytes);
    operand.Read(kX87RegistersOffset, state.data() + kX87RegistersOffset, kX87RegistersBytes);
  }
  if ((load & kSse) != 0) operand.Read(kXmmOffset, state.data() + kXmmOffset, kXmmBytes);
  for (unsigned i = kFirstExtended; i < kMaxComponents; i++) {
    const Component& component = Components()[i];
    if ((load >> i & 1) != 0) operand.Read(component.offset, state.data() + component.offset, component.size);
  }
  // MXCSR is loaded whenever SSE or AVX is asked for, whatever XSTATE_BV says.
  if (loads_mxcsr) std::memcpy(state.data() + kMxcsrOffset, mxcsr, sizeof(mxcsr[0]));
  // A component asked for but absent from the area goes to its initial state: KVM does that for a clear bit.
  uint64_t xstate_bv = (Header(state) & ~mask) | load;
  // KVM takes MXCSR only with a component that uses it: carry it with zeroed XMM registers.
  if (loads_mxcsr && mxcsr[0] != kInitialMxcsr && (mask & ~load & kSse) != 0) {
    std::memset(state.data() + kXmmOffset, 0, kXmmBytes);
    xstate_bv |= kSse;
  }
  std::memcpy(state.data() + kLegacyBytes, &xstate_bv, sizeof(xstate_bv));
  ZB_IOCTL(vcpu.fd(), KVM_SET_XSAVE, state.data());
  Step(vcpu, regs);
  return true;
}

}  // namespace zb
