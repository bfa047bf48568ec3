// Guests that turn on their own machine: that VM ends, by its name, and no other notices.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>

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

constexpr int kScribblers = 100;
// Steps each of them makes; an emulated machine does a part.
constexpr int kSteps = 1000, kStepsEmulated = 200;
constexpr int kScribblersAtOnce = 10;
// For a guest that has made itself stand still: its owner ends it. Milliseconds.
constexpr double kStillAfter = 2'000, kStillAfterEmulated = 5'000;

// What is damaged. Each is the body of a loop; `rnd` is seeded.
struct Damage {
  const char* name;
  const char* step;
};
constexpr Damage kDamages[] = {
    {"control block", "control[rnd.randrange(12)] = rnd.getrandbits(32)"},
    {"positions, nearly right", "control[rnd.randrange(2)] = (control[0] + rnd.randrange(-40, 40)) & 0xffffffff"},
    {"flags and counters", "control[rnd.randrange(2, 10)] = rnd.choice([0, 1, 2, 3, rnd.getrandbits(32)])"},
    {"records", "for i in range(50): ring[rnd.randrange(0x10000, 0x20000)] = rnd.getrandbits(8)"},
    {"records, near the head", "ring[0x10000 + (control[0] + rnd.randrange(-64, 8)) % 0x10000] = rnd.getrandbits(8)"},
    {"what the host sends", "for i in range(50): ring[rnd.randrange(0x1000, 0x10000)] = rnd.getrandbits(8)"},
    {"the ring", "ring[rnd.randrange(len(ring))] = rnd.getrandbits(8)"},
    {"doorbell", "registers[5] = rnd.getrandbits(32)"},
    {"writes of known registers", "registers[rnd.choice([0, 1, 2, 4, 5, 6, 8, 9])] = rnd.getrandbits(32)"},
    {"reads that answer at once", "registers[rnd.choice([0, 1, 2, 6, 9])]"},
    {"reads that wait for the host", "registers[rnd.choice([4, 8])]"},
    {"registers, any width",
     "kind = rnd.choice([ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64])\n"
     "place = kind.from_buffer(page, rnd.randrange(0, 4089))\n"
     "if rnd.random() < 0.5: place.value\n"
     "else: place.value = rnd.getrandbits(8)"},
    {"everything",
     "where = rnd.random()\n"
     "if where < 0.3: control[rnd.randrange(12)] = rnd.getrandbits(rnd.choice([1, 8, 32]))\n"
     "elif where < 0.9: ring[rnd.randrange(len(ring))] = rnd.getrandbits(8)\n"
     "else: registers[rnd.randrange(64)] = rnd.getrandbits(rnd.choice([1, 32]))"},
};

// The tests' seed: new each time, or what ENGINE_TEST_SEED says.
uint64_t ScribbleSeed() {
  const char* given = std::getenv("ENGINE_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

std::string Indented(const std::string& code, const std::string& by) {
  std::string indented;
  for (const std::string& line : Lines(code)) indented += by + line + "\n";
  return indented;
}

// Half of the guests print from another thread at the same time, a quarter each from this one or not at all.
std::string ScribblingCell(const Damage& damage, int guest, uint64_t seed, int steps) {
  std::string code = Text("import ctypes, random, threading\nrnd = random.Random(", seed, ")\n");
  if (guest % 4 < 2) {
    code +=
        "def chatter():\n    for i in range(1000): print('x' * 300)\n"
        "threading.Thread(target=chatter, daemon=True).start()\n";
  }
  code += Text("for step in range(", steps, "):\n") + Indented(damage.step, "    ");
  if (guest % 4 == 2) code += "    print('x' * rnd.randrange(3000))\n";
  return code;
}

// Closes a VM that is not done in time: one with a damaged ring may go on saying something for ever.
class Deadline {
 public:
  Deadline(ForkedVm& vm, milliseconds time)
      : thread_([this, &vm, time] {
          std::unique_lock lock(mutex_);
          if (done_.wait_for(lock, time, [this] { return is_done_; })) return;
          has_passed_ = true;
          vm.Close();
        }) {}
  ~Deadline() {
    {
      std::lock_guard lock(mutex_);
      is_done_ = true;
    }
    done_.notify_one();
    thread_.join();
  }
  bool has_passed() const { return has_passed_; }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  bool is_done_ = false;
  std::atomic<bool> has_passed_{false};
  std::thread thread_;
};

// One guest at it; how it ended, behind what it did.
std::string Scribble(const Context& context, int guest, uint64_t seed) {
  const Damage& damage = kDamages[static_cast<size_t>(guest) % std::size(kDamages)];
  const double patience = context.AtMost(kStillAfter, kStillAfterEmulated);
  Conversation fork(context.source, {.prefault = true}, milliseconds(static_cast<int>(patience)));
  const Deadline deadline(fork.vm(), milliseconds(static_cast<int>(4 * patience)));
  std::string name = "survived";
  try {
    fork.WaitForIdentity();
    RunOk(fork, kMapLink);
    fork.Run(ScribblingCell(damage, guest, seed, context.emulated ? kStepsEmulated : kSteps));
    // That it has come through does not mean that it is well.
    fork.Run("print(6 * 7)");
  } catch (const EngineError& error) {
    // A guest may also hang itself: then its owner's deadline ends it.
    const bool ended = error.code() == ErrorCode::kVmClosed && !deadline.has_passed();
    name = ended ? EndReasonName(fork.WaitForEnd().reason) : "stood still";
  }
  Check(name != "kvm_failed" && name != "fork_failed" && name != "closed", damage.name, " with seed ", seed,
        " ended in ", name);
  fork.Close();
  return Text(damage.name, ": ", name);
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

// Random damage to ring and registers, also while another thread prints: whatever becomes of that VM, it is that VM's
// alone and has a name.
ENGINE_TEST(hostile_scribbling) {
  Fork bystander(context);
  const int live = ForkedVm::live();
  const uint64_t seed = ScribbleSeed();
  std::map<std::string, int> ends;
  int answers = 0;
  for (int done = 0; done < kScribblers; done += kScribblersAtOnce) {
    std::vector<std::future<std::string>> guests;
    for (int i = done; i < std::min(done + kScribblersAtOnce, kScribblers); i++) {
      guests.push_back(std::async(std::launch::async, [&context, i, seed] { return Scribble(context, i, seed + i); }));
    }
    for (std::future<std::string>& guest : guests) {
      while (guest.wait_for(milliseconds(1)) != std::future_status::ready) {
        CheckEqual(RunOk(bystander, Text("print(", answers, ")")), Text(answers, "\n"), "another fork's answer");
        answers++;
      }
      ends[guest.get()]++;
    }
  }
  WaitFor("every guest to be released", kPatience,
          [live] { return ForkedVm::live() == live && ForkedVm::reaping() == 0; });
  CheckAnswers(bystander);
  std::string line = Text(kScribblers, " guests, seed ", seed, ", ", answers, " answers of another fork:");
  for (const auto& [name, count] : ends) line += Text("\n       ", count, " ", name);
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
