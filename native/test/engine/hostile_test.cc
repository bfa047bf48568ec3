// Guests that turn on their own machine: that VM ends, by its name, and no other notices.
#include <map>
#include <random>

#include "engine/cells.h"
#include "hosts/host.h"

namespace zb::test {
namespace {

// The link as the agent maps it, for a guest that means harm.
constexpr const char* kMapLink = R"(
import mmap, os, struct
_fd = os.open('/dev/mem', os.O_RDWR | os.O_SYNC)
page = mmap.mmap(_fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=0xd0000000)
registers = memoryview(page).cast('I')
_cached = os.open('/dev/mem', os.O_RDWR)
ring = mmap.mmap(_cached, 0x20000, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=registers[2] * 4096)
control = memoryview(ring).cast('I')
)";

// Runs a cell that ends its VM; returns how it ended.
VmEnd RunToEnd(Conversation& fork, const std::string& code) {
  try {
    const CellResult cell = fork.Run(code);
    throw Failure("the VM survived a cell that was to end it: " + Summary(cell));
  } catch (const EngineError& error) {
    if (error.code() != ErrorCode::kVmClosed) throw;
  }
  return fork.WaitForEnd();
}

void CheckEnd(const VmEnd& end, EndReason reason, const std::string& detail) {
  CheckEqual(EndReasonName(end.reason), std::string(EndReasonName(reason)), "the reason (" + end.detail + ")");
  Check(end.detail.find(detail) != std::string::npos, "the detail is '", end.detail, "', without '", detail, "'");
}

void CheckConsole(const VmEnd& end, const char* text) {
  Check(end.console.find(text) != std::string::npos, "no '", text, "' in the console's tail:\n", end.console);
}

}  // namespace

ENGINE_TEST(hostile_agent_exits) {
  Fork bystander(context);
  struct Case {
    const char* code;
    const char* detail;
  };
  const Case cases[] = {
      {"import os; os._exit(3)", "ended with exit code 3"},
      {"import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by signal 9"},
      {"import ctypes; ctypes.string_at(0)", "ended by signal 11"},
      {"import os; os.abort()", "ended by signal 6"},
      // The link's own register for it, as only init writes it.
      {"exec(link_code); registers[7] = 42", "ended with exit code 42"},
  };
  for (const Case& one : cases) {
    Fork fork(context);
    RunOk(fork, Text("link_code = '''", kMapLink, "'''"));
    // A line on the console first: it must be in the tail.
    RunOk(fork,
          "import os, termios\ntty = os.open('/dev/ttyS0', os.O_WRONLY | os.O_NOCTTY)\n"
          "os.write(tty, b'last words\\n')\ntermios.tcdrain(tty)");
    const VmEnd end = RunToEnd(fork, one.code);
    CheckEnd(end, EndReason::kAgentExited, one.detail);
    CheckConsole(end, "last words");
  }
  CheckAnswers(bystander);
  return Text(std::size(cases), " ways, each named, with the console's tail");
}

ENGINE_TEST(hostile_reset) {
  Fork bystander(context), fork(context);
  // reboot(2), as only root may: RB_AUTOBOOT.
  CheckEnd(RunToEnd(fork, "import ctypes; ctypes.CDLL(None).reboot(0x1234567)"), EndReason::kGuestReset, "reset");
  CheckAnswers(bystander);
  return "guest_reset";
}

ENGINE_TEST(hostile_panic) {
  Fork bystander(context), fork(context);
  // Without SysRq, by way of init: its code becomes UD2, and an orphan's end wakes it.
  const VmEnd end = RunToEnd(fork, R"(
import os, time
try:
    with open('/proc/sysrq-trigger', 'w') as trigger: trigger.write('c')
except FileNotFoundError:
    with open('/proc/1/maps') as maps, open('/proc/1/mem', 'r+b', buffering=0) as memory:
        for line in maps:
            where, rights = line.split()[:2]
            if 'x' not in rights or '[v' in line: continue
            start, end = (int(text, 16) for text in where.split('-'))
            memory.seek(start)
            memory.write(b'\x0f\x0b' * ((end - start) // 2))
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.1)
        os._exit(0)
time.sleep(60))");
  CheckEnd(end, EndReason::kGuestPanic, "panicked");
  CheckConsole(end, "Kernel panic");
  CheckAnswers(bystander);
  return "guest_panic, with the kernel's own words in the console's tail";
}

ENGINE_TEST(hostile_triple_fault) {
  Fork bystander(context), fork(context);
  // The interrupt descriptor table is a page of the kernel's bss full of gates: present, 64-bit, in the kernel's code
  // segment and the top 2 GiB. Without it the next interrupt or exception is a triple fault.
  const VmEnd end = RunToEnd(fork, R"(
import mmap, os, struct
fd = os.open('/dev/mem', os.O_RDWR)
found = []
for line in open('/proc/iomem'):
    where, name = line.split(':')
    if name.strip() != 'Kernel bss': continue
    start, end = (int(text, 16) for text in where.strip().split('-'))
    start &= ~4095
    memory = mmap.mmap(fd, (end + 4095 - start) & ~4095, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=start)
    for at in range(0, len(memory), 4096):
        gates = [struct.unpack_from('<HHBBHII', memory, at + 16 * i) for i in range(8)]
        if all(gate[1] == 0x10 and gate[3] in (0x8e, 0xee) and gate[5] == 0xffffffff for gate in gates):
            found.append(at)
print(found, flush=True)
assert len(found) == 1
memory[found[0]:found[0] + 4096] = bytes(4096)
while True: pass)");
  if (std::string(Host::Current().kind()) == "hardware") {
    CheckEnd(end, EndReason::kTripleFault, "triple fault");
  } else {
    // Where guest kernel mode is emulated, its emulator may be the first to give up.
    Check(end.reason == EndReason::kTripleFault || end.reason == EndReason::kEmulationFailure, "the reason is ",
          EndReasonName(end.reason), ": ", end.detail);
  }
  CheckAnswers(bystander);
  return EndReasonName(end.reason);
}

ENGINE_TEST(hostile_link_violations) {
  Fork bystander(context);
  struct Case {
    const char* what;
    const char* code;
    const char* detail;
  };
  // A record at the ring's head as the agent would publish it: header fields, then head moved on.
  const Case cases[] = {
      {"a byte read of a register", "page[0]", "an access to the link of 1 bytes"},
      {"a byte write of a register", "page[20] = 1", "an access to the link of 1 bytes"},
      {"a quadword read", "memoryview(page).cast('Q')[1]", "an access to the link of 8 bytes"},
      {"an unaligned read", "struct.unpack_from('=I', page, 2)", "an access to the link of"},
      {"a read of no register", "registers[64]", "a read of link register 256"},
      {"a write of no register", "registers[64] = 1", "a write of link register 256"},
      {"a write of a read-only register", "registers[0] = 1", "a write of link register 0"},
      {"impossible positions", "control[0] = control[1] + 0x80000000; registers[5] = 1", "transmit positions"},
      {"half a header", "control[0] += 3; registers[5] = 1", "half a record header"},
      {"an unknown kind", "publish(0, 0x55, 0)", "unknown kind 0x55"},
      {"a huge record", "publish(0x7fffffff, 0x82, 0)", "record of 2147483647 bytes"},
      {"a second READY", "publish(0, 0x81, 0)", "a second READY"},
      {"a second IDENTITY", "publish(0, 0x89, 0)", "a second IDENTITY"},
      {"output of another cell", "publish(0, 0x82, 0x4242)", "output of execution 16962"},
      {"DONE of another cell", "publish(12, 0x88, 0x4242)", "of execution 16962"},
      {"DONE of no cell", "publish(12, 0x88, 0)", "of execution 0"},
  };
  const std::string publish = R"(
def publish(length, kind, execution):
    head = control[0]
    for i, byte in enumerate(struct.pack('<IBBH', length, kind, 0, execution)):
        ring[0x10000 + (head + i) % 0x10000] = byte
    control[0] = (head + 8 + min(length, 64)) & 0xffffffff
    registers[5] = 1
)";
  for (const Case& one : cases) {
    Fork fork(context);
    RunOk(fork, kMapLink + publish);
    const VmEnd end = RunToEnd(fork, one.code);
    try {
      CheckEnd(end, EndReason::kProtocolViolation, one.detail);
    } catch (const Failure& failure) {
      throw Failure(Text(one.what, ": ", failure.what()));
    }
  }
  CheckAnswers(bystander);
  return Text(std::size(cases), " violations, each protocol_violation with what it was");
}

// A mistake, not malice: reads past the end of whatever is mapped beside the agent's view of the registers.
ENGINE_TEST(hostile_overread) {
  Fork fork(context);
  // The first hole that fits a page is the one the kernel fills: small mappings crowd around what is there already.
  const std::string out = RunOk(fork, R"(
import ctypes, mmap
def link_page():
    for line in open('/proc/self/maps'):
        if ' d0000000 ' in line: return tuple(int(text, 16) for text in line.split()[0].split('-'))
kept = [mmap.mmap(-1, 4096) for i in range(64)]
start, end = link_page()
print(ctypes.string_at(start - 1, 1), ctypes.string_at(end, 1)))");
  CheckEqual(out, "b'\\x00' b'\\x00'\n", "the bytes beside the registers");
  CheckAnswers(fork);
  return "zeroes on both sides of the registers";
}

// Random damage to ring and registers: whatever becomes of that VM, it is that VM's alone and has a name.
ENGINE_TEST(hostile_scribbling) {
  Fork bystander(context);
  std::mt19937_64 random(std::random_device{}());
  std::map<std::string, int> ends;
  constexpr int kRounds = 16;
  for (int i = 0; i < kRounds; i++) {
    Conversation fork(context.source, {.prefault = true}, seconds(20));
    fork.WaitForIdentity();
    RunOk(fork, kMapLink);
    const uint64_t seed = random();
    const std::string code = Text("import random\nrandom.seed(", seed, R"()
for step in range(2000):
    kind = random.random()
    if kind < 0.6: control[random.randrange(8)] = random.getrandbits(32)
    elif kind < 0.8: ring[random.randrange(len(ring))] = random.getrandbits(8)
    elif kind < 0.95: registers[5] = random.getrandbits(32)
    else: print('x' * random.randrange(5000))
)");
    std::string name = "survived";
    try {
      fork.Run(code);
    } catch (const EngineError& error) {
      // A guest may also hang itself: then its owner's deadline ends it.
      name = error.code() == ErrorCode::kVmClosed ? EndReasonName(fork.WaitForEnd().reason) : "hung";
    }
    Check(name != "kvm_failed" && name != "fork_failed", "scribbling with seed ", seed, " ended in ", name);
    ends[name]++;
    fork.Close();
    CheckAnswers(bystander);
  }
  std::string line = Text(kRounds, " guests:");
  for (const auto& [name, count] : ends) line += Text(" ", name, " ", count);
  return line;
}

// RAM overwritten from end to end: a kernel whose code is gone may fault for ever, so no end is promised but its
// owner's, and the others live.
ENGINE_TEST(hostile_memory_wiped) {
  Fork bystander(context);
  Conversation fork(context.source, {.prefault = true}, seconds(10));
  fork.WaitForIdentity();
  std::string name = "hung";
  try {
    fork.Run(R"(
import ctypes, mmap, os
fd = os.open('/dev/mem', os.O_RDWR)
for line in open('/proc/iomem'):
    where, name = line.split(':')
    start, end = (int(text, 16) for text in where.strip().split('-'))
    if name.strip() != 'System RAM' or line.startswith(' ') or start < 1 << 20: continue
    memory = mmap.mmap(fd, (end + 1 - start) & ~4095, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=start)
    ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(memory)), 0xa5, len(memory))
)");
    throw Failure("a guest survived the loss of its memory");
  } catch (const EngineError& error) {
    if (error.code() == ErrorCode::kVmClosed) name = EndReasonName(fork.WaitForEnd().reason);
  }
  Check(name != "fork_failed" && name != "closed", "the end is called ", name);
  fork.Close();
  CheckAnswers(bystander);
  Fork later(context);
  CheckAnswers(later);
  return name == "hung" ? "hung until it was closed" : name;
}

}  // namespace zb::test
