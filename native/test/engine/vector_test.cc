// Register state across the guest's own context switches and signals, on every kind of host.
#include "engine/cells.h"
#include "engine/guest_program.h"

namespace zb::test {
namespace {

constexpr int kYields = 1000;

std::string OnlyLine(const std::vector<std::string>& lines) {
  CheckEqual(lines.size(), size_t{1}, "the number of lines");
  return lines[0];
}

}  // namespace

ENGINE_TEST(vectors_of_processes_and_threads) {
  Fork fork(context);
  InstallGuestProgram(fork);
  const std::string processes = OnlyLine(RunGuestProgram(fork, Text("processes ", kYields)));
  const std::string threads = OnlyLine(RunGuestProgram(fork, Text("threads ", kYields)));
  CheckEqual(processes.substr(0, 4), "1000", "the rounds of the processes");
  CheckEqual(threads, processes, "the threads' rounds and state");
  return "two processes and two threads: " + processes + " each";
}

// Preempted by the timer in the middle of computing, not in a system call: the other way into the guest's scheduler.
ENGINE_TEST(vectors_when_preempted) {
  Fork fork(context);
  InstallGuestProgram(fork);
  // Long enough for several ticks of 10 ms in one round, whatever the speed.
  const long long spins = RunInteger(fork, R"(
import time
spins = 1 << 20
while True:
    begin = time.monotonic()
    subprocess.run(['/tmp/guest-tests', 'threads', '1', str(spins)], check=True, stdout=subprocess.DEVNULL)
    if time.monotonic() - begin > 0.1: break
    spins *= 2
print(spins))");
  const std::string processes = OnlyLine(RunGuestProgram(fork, Text("processes 20 ", spins)));
  const std::string threads = OnlyLine(RunGuestProgram(fork, Text("threads 20 ", spins)));
  return Text("two processes and two threads, ", spins, " turns of a loop: ", processes, ", ", threads);
}

// A forked VM inherits the template's registers; two VMs on one processor must not share any.
ENGINE_TEST(vectors_of_two_vms) {
  Fork a(context), b(context);
  InstallGuestProgram(a);
  InstallGuestProgram(b);
  const std::string cell = Text("subprocess.run(['/tmp/guest-tests', 'processes', '", kYields, "']).returncode");
  const uint16_t in_a = a.Start(cell), in_b = b.Start(cell);
  for (auto* fork : {&a, &b}) {
    const CellResult result = fork->Finish(fork == &a ? in_a : in_b);
    Check(result.result == "0", "guest-tests processes beside another VM's: ", Summary(result));
  }
  return "two VMs at the same time, two processes in each";
}

ENGINE_TEST(signal_frame_in_forked_child) {
  Fork fork(context);
  InstallGuestProgram(fork);
  return OnlyLine(RunGuestProgram(fork, "signal-in-child")) + ": the parent's stack is as it was";
}

ENGINE_TEST(signal_frame_corrupt) {
  Fork fork(context);
  InstallGuestProgram(fork);
  int faults = 0;
  std::string excused;
  for (const std::string& line : RunGuestProgram(fork, "corrupt-frames")) {
    if (line.ends_with(": SIGSEGV")) {
      faults++;
      continue;
    }
    // QEMU does not fault on reserved MXCSR bits, and does not tell KVM of XSETBV, so that its guests go without XSAVE.
    Check(context.emulated && (line == "MXCSR: no SIGSEGV" || line.ends_with("no such field")),
          "a damaged frame: ", line);
    excused += "; " + line;
  }
  Check(faults >= 2, "only ", faults, " kinds of damage were tried");
  CheckAnswers(fork);
  return Text(faults, " kinds of damage: SIGSEGV, and the VM lives",
              excused.empty() ? "" : excused + " (of the emulator)");
}

}  // namespace zb::test
