#include "hosts/pvm_host.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "hosts/pvm_syscall_stub.h"
#include "hosts/pvm_xsave.h"
#include "kvm/error.h"

namespace zb {
namespace {

constexpr uint64_t kVectorBreakpoint = 3;

struct FailedInstruction {
  std::array<uint8_t, 15> bytes{};
  size_t size = 0;

  bool Is(std::initializer_list<uint8_t> opcode) const {
    return size >= opcode.size() && std::equal(opcode.begin(), opcode.end(), bytes.begin());
  }
};

// Documentation/virt/kvm/api.rst, KVM_EXIT_INTERNAL_ERROR: data[0] holds flags, data[1] a size byte
// followed by the instruction.
FailedInstruction ReadInstruction(const kvm_run& run) {
  FailedInstruction instruction;
  if (run.internal.suberror != KVM_INTERNAL_ERROR_EMULATION) return instruction;
  if (run.emulation_failure.ndata < 3) return instruction;
  if ((run.emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) == 0) return instruction;
  instruction.size = std::min<size_t>(run.emulation_failure.insn_size, instruction.bytes.size());
  std::memcpy(instruction.bytes.data(), run.emulation_failure.insn_bytes, instruction.size);
  return instruction;
}

void Advance(Vcpu& vcpu, uint64_t bytes) {
  kvm_regs regs = vcpu.GetRegs();
  regs.rip += bytes;
  vcpu.SetRegs(regs);
}

// The kernel's self-test of its alternatives executes one and expects its handler to run.
void RaiseBreakpoint(Vcpu& vcpu) {
  Advance(vcpu, 1);
  kvm_vcpu_events events{};
  ZB_IOCTL(vcpu.fd(), KVM_GET_VCPU_EVENTS, &events);
  events.exception.injected = 1;
  events.exception.nr = kVectorBreakpoint;
  events.exception.has_error_code = 0;
  ZB_IOCTL(vcpu.fd(), KVM_SET_VCPU_EVENTS, &events);
}

}  // namespace

std::string PvmHost::CommandLine() const {
  // Linux copies this list into 128 bytes and silently cuts it there, so the ones that matter come first:
  // the compacted XSAVE forms (plain XSAVE64 is emulated here), then what the emulator cannot decode.
  return "mitigations=off nopti "
         "clearcpuid=xsaves,xsavec,xsaveopt,smap,smep,cx16,popcnt,fsgsbase,rdrand,rdseed,invpcid,pcid,erms,fsrm,umip,movbe";
}

std::unique_ptr<BootQuirks> PvmHost::NewBootQuirks(const LoadedKernel& kernel) const {
  if (kernel.is_bzimage) {
    throw EngineError(
        ErrorCode::kKernelInvalid,
        "kvm_pvm needs a vmlinux: a bzImage would decompress itself in emulated kernel mode for hours, and "
        "its entry page, where a stub must live, is unknown");
  }
  return std::make_unique<PvmSyscallStub>(kernel);
}

bool PvmHost::HandleEmulationFailure(Vcpu& vcpu, GuestMemory& memory) const {
  const FailedInstruction instruction = ReadInstruction(*vcpu.run());
  if (instruction.Is({0xcc})) {
    RaiseBreakpoint(vcpu);
    return true;
  }
  if (instruction.Is({0x9b})) {  // FWAIT: no x87 exception can be pending in the kernel
    Advance(vcpu, 1);
    return true;
  }
  // Linux's only forms: operand (%rdi), 64-bit.
  if (instruction.Is({0x48, 0x0f, 0xae, 0x27})) return EmulateXsave(vcpu, memory);
  if (instruction.Is({0x48, 0x0f, 0xae, 0x2f})) return EmulateXrstor(vcpu, memory);
  return false;
}

}  // namespace zb
