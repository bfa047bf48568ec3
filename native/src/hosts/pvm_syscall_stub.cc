#include "hosts/pvm_syscall_stub.h"

#include <cstring>
#include <vector>

#include "hosts/guest_walk.h"
#include "kvm/error.h"

namespace zb {
namespace {

constexpr uint32_t kMsrLstar = 0xc0000082;
constexpr uint64_t kPageFaultVector = 14;
constexpr uint64_t kGateBytes = 16;

// An interrupt gate's offset is scattered over it (AMD64 manual volume 2, 4.8.4).
struct [[gnu::packed]] Gate {
  uint16_t offset_low;
  uint16_t selector;
  uint16_t attributes;
  uint16_t offset_middle;
  uint32_t offset_high;
  uint32_t reserved;

  uint64_t offset() const { return offset_low | (uint64_t{offset_middle} << 16) | (uint64_t{offset_high} << 32); }
  void set_offset(uint64_t offset) {
    offset_low = static_cast<uint16_t>(offset);
    offset_middle = static_cast<uint16_t>(offset >> 16);
    offset_high = static_cast<uint32_t>(offset >> 32);
  }
};
static_assert(sizeof(Gate) == kGateBytes);

class Assembler {
 public:
  explicit Assembler(uint64_t origin) : origin_(origin) {}
  void Bytes(std::initializer_list<uint8_t> bytes) { code_.insert(code_.end(), bytes); }
  void Immediate32(uint32_t value) {
    for (int i = 0; i < 4; i++) code_.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  // jmp rel32. Throws when the target is out of reach.
  void Jump(uint64_t target) {
    code_.push_back(0xe9);
    const auto distance = static_cast<int64_t>(target - (origin_ + code_.size() + 4));
    if (distance != static_cast<int32_t>(distance)) {
      throw EngineError(ErrorCode::kTemplateFailed, "the kernel's handlers are out of the stub's reach");
    }
    Immediate32(static_cast<uint32_t>(distance));
  }
  // jne to a label bound later.
  size_t JumpIfNotEqual() {
    Bytes({0x75, 0x00});
    return code_.size() - 1;
  }
  void Bind(size_t label) { code_[label] = static_cast<uint8_t>(code_.size() - (label + 1)); }
  const std::vector<uint8_t>& code() const { return code_; }

 private:
  uint64_t origin_;
  std::vector<uint8_t> code_;
};

// A SYSCALL from user mode has set RIP, RCX and R11 but left CPL at 3, so the first fetch of the entry
// point faults with error code present|user|fetch and CR2 = LSTAR. The fault itself has brought us to
// CPL 0: put back the user's RSP, which SYSCALL would not have touched, and go on at the entry point.
// CLD because user code can also jump to LSTAR, with flags of its choice; that harms only its own VM.
std::vector<uint8_t> Assemble(uint64_t at, uint64_t lstar, uint64_t page_fault_handler) {
  Assembler a(at);
  a.Bytes({0x83, 0x3c, 0x24, 0x15});  // cmp dword [rsp], 0x15
  const size_t other_fault = a.JumpIfNotEqual();
  a.Bytes({0x50});              // push rax
  a.Bytes({0x0f, 0x20, 0xd0});  // mov rax, cr2
  a.Bytes({0x48, 0x3d});        // cmp rax, imm32 (sign-extended, as kernel addresses are)
  a.Immediate32(static_cast<uint32_t>(lstar));
  a.Bytes({0x58});  // pop rax
  const size_t other_address = a.JumpIfNotEqual();
  a.Bytes({0x48, 0x8b, 0x64, 0x24, 0x20});  // mov rsp, [rsp+32]
  a.Bytes({0xfc});                          // cld
  a.Jump(lstar);
  a.Bind(other_fault);
  a.Bind(other_address);
  a.Jump(page_fault_handler);
  return a.code();
}

}  // namespace

PvmSyscallStub::PvmSyscallStub(const LoadedKernel& kernel)
    : stub_gpa_(kernel.entry), stub_virtual_(kernel.entry_virtual) {
  if (kernel.entry_virtual == 0 || kernel.entry_virtual == kernel.entry) {
    throw EngineError(ErrorCode::kKernelInvalid, "kvm_pvm needs a kernel whose entry page is mapped high");
  }
}

void PvmSyscallStub::PrepareVm(Vm& vm) {
  kvm_enable_cap capability{};
  capability.cap = KVM_CAP_X86_USER_SPACE_MSR;
  capability.args[0] = KVM_MSR_EXIT_REASON_FILTER;
  vm.EnableCapability(capability, "KVM_CAP_X86_USER_SPACE_MSR");
  // A clear bit denies; everything outside the range is allowed.
  uint8_t denied = 0;
  kvm_msr_filter filter{};
  filter.flags = KVM_MSR_FILTER_DEFAULT_ALLOW;
  filter.ranges[0] = {.flags = KVM_MSR_FILTER_WRITE, .nmsrs = 1, .base = kMsrLstar, .bitmap = &denied};
  ZB_IOCTL(vm.fd(), KVM_X86_SET_MSR_FILTER, &filter);
}

bool PvmSyscallStub::HandleMsrWrite(Vcpu& vcpu, GuestMemory& memory) {
  kvm_run& run = *vcpu.run();
  if (run.msr.index != kMsrLstar) return false;
  vcpu.SetMsr(kMsrLstar, run.msr.data);
  Install(vcpu, memory, run.msr.data);
  run.msr.error = 0;
  return true;
}

void PvmSyscallStub::Install(Vcpu& vcpu, GuestMemory& memory, uint64_t lstar) {
  const kvm_sregs sregs = vcpu.GetSregs();
  const auto gate_gpa = TranslateForHost(memory, sregs, sregs.idt.base + kPageFaultVector * kGateBytes);
  auto gate = gate_gpa ? memory.Load<Gate>(*gate_gpa) : std::nullopt;
  if (!gate) throw EngineError(ErrorCode::kTemplateFailed, "the guest's IDT is not in its memory");
  // A secondary write of LSTAR finds the stub installed already.
  if (gate->offset() == stub_virtual_) return;
  if (static_cast<int64_t>(lstar) != static_cast<int32_t>(lstar)) {
    throw EngineError(ErrorCode::kTemplateFailed, "the kernel's system call entry is not in the top 2 GiB");
  }
  const std::vector<uint8_t> code = Assemble(stub_virtual_, lstar, gate->offset());
  const auto home = memory.At(stub_gpa_, code.size());
  if (!home) throw EngineError(ErrorCode::kTemplateFailed, "the kernel's entry page is not in guest memory");
  std::memcpy(home->data(), code.data(), code.size());
  gate->set_offset(stub_virtual_);
  memory.Store(*gate_gpa, *gate);
  installed_ = true;
}

void PvmSyscallStub::CheckBeforeCapture(const Vcpu& vcpu, const GuestMemory& memory) {
  const kvm_sregs sregs = vcpu.GetSregs();
  const auto gate_gpa = TranslateForHost(memory, sregs, sregs.idt.base + kPageFaultVector * kGateBytes);
  const auto gate = gate_gpa ? memory.Load<Gate>(*gate_gpa) : std::nullopt;
  if (!installed_ || !gate || gate->offset() != stub_virtual_) {
    throw EngineError(ErrorCode::kTemplateFailed, "the guest replaced its page-fault gate: system calls would fail");
  }
}

}  // namespace zb
