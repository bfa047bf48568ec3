// Ctrl-C: ends the cell it is meant for, and nothing else. Ctrl-Z, in the engine's sense: its children.
#include <cstdlib>
#include <random>
#include <thread>

#include "engine/cells.h"

namespace zb::test {
namespace {

// One interrupt, repeated as long as the agent has not seen it, until this goes out of scope. As a session does it:
// CPython misses a signal that comes between its last look and a long system call, in a guest as anywhere.
class Interruption {
 public:
  Interruption(Conversation& fork, uint16_t execution)
      : repeater_([&runner = fork.vm().runner(), execution](const std::stop_token& stop) {
          for (bool again = false; !stop.stop_requested(); again = true) {
            runner.Interrupt(execution, again);
            std::this_thread::sleep_for(milliseconds(50));
          }
        }) {}

 private:
  std::jthread repeater_;
};

struct Interrupted {
  CellResult cell;
  double took_ms = 0;
};

Interrupted InterruptNow(Conversation& fork, uint16_t execution) {
  const auto start = Clock::now();
  const Interruption interruption(fork, execution);
  Interrupted ended{.cell = fork.Finish(execution)};
  ended.took_ms = MillisecondsSince(start);
  return ended;
}

void CheckInterrupted(const CellResult& cell, const std::string& what) {
  CheckEqual(int{cell.done.status}, int{ZB_DONE_INTERRUPTED}, "the status of " + what + ": " + Summary(cell));
  CheckEqual(cell.done.exit_code, 130, "the exit code of " + what);
  CheckEqual(cell.error_name, "KeyboardInterrupt", "the error of " + what);
}

// Starts `body`, and interrupts it once as soon as it runs.
double InterruptCell(Conversation& fork, const std::string& body, uint8_t flags = 0) {
  const uint64_t before = fork.vm().runner().bytes_out();
  const uint16_t execution = fork.Start("import sys\nreached = 'begun'\nsys.stdout.write('begun\\n')\n" + body, flags);
  WaitFor("the cell's first output", kPatience, [&] { return fork.vm().runner().bytes_out() > before; });
  const Interrupted ended = InterruptNow(fork, execution);
  CheckInterrupted(ended.cell, body);
  CheckEqual(ended.cell.out, "begun\n", "what was printed before " + body);
  CheckEqual(RunOk(fork, "print(kept + 1, reached)"), "42 begun\n", "state after " + body);
  return ended.took_ms;
}

// How many of the long test: all in a real machine, an hour's worth less in an emulated one.
int Rounds(const Context& context) {
  const char* wanted = std::getenv("ZEROBOOT_TEST_INTERRUPTS");
  return wanted != nullptr ? std::atoi(wanted) : context.emulated ? 1500 : 10'000;
}

}  // namespace

ENGINE_TEST(interrupt_keeps_state) {
  Fork fork(context);
  RunOk(fork, "import numpy, os, subprocess, time\nkept = 41\nnumbers = numpy.random.rand(20000)");
  std::string measured;
  for (const char* body : {"while True: pass", "time.sleep(100)", "while True: numpy.sort(numbers)",
                           "subprocess.run(['sleep', '100'])", "subprocess.run('sleep 100; sleep 100', shell=True)"}) {
    const double took = InterruptCell(fork, body);
    Check(took <= context.AtMost(10'000, 15'000), body, " ended ", took, " ms after its interrupt");
    measured += Text(body, ": ", took, " ms; ");
  }
  const double input = InterruptCell(fork, "input('? ')", ZB_EXECUTE_STDIN_OPEN);
  Check(input <= context.AtMost(5000, 15'000), "input() ended ", input, " ms after its interrupt");
  Check(!fork.vm().runner().Interrupt(999), "the engine interrupts an execution that does not run");
  Check(!fork.vm().runner().KillChildren(999), "the engine kills the children of an execution that does not run");
  Check(fork.WaitUntilParked(kPatience), "the fork does not park after its interrupted cells");
  return measured + Text("input(): ", input, " ms");
}

// system(3) has its caller ignore SIGINT while it waits: the child ends, and the cell says so.
ENGINE_TEST(interrupt_ends_os_system) {
  Fork fork(context);
  const uint16_t execution = StartAndAwaitOutput(fork, "import os\nprint(1)\nstatus = os.system('sleep 100')");
  const Interrupted ended = InterruptNow(fork, execution);
  Check(ended.took_ms <= context.AtMost(10'000, 15'000), "os.system ended ", ended.took_ms, " ms after its interrupt");
  CheckAnswers(fork);
  return Text("its child ended ", ended.took_ms, " ms after the interrupt: ", Summary(ended.cell));
}

// The cell has been handed over and may not have begun.
ENGINE_TEST(interrupt_at_once) {
  Fork fork(context);
  constexpr int kRounds = 20;
  std::vector<double> took;
  for (int i = 0; i < kRounds; i++) {
    const uint16_t execution = fork.Start("while True: pass");
    const auto start = Clock::now();
    while (!fork.vm().runner().Interrupt(execution)) {
      Check(MillisecondsSince(start) < kPatience.count(), "the cell never runs");
    }
    // No repetition: nothing that begins later can miss it.
    CheckInterrupted(fork.Finish(execution), Text("round ", i));
    took.push_back(MillisecondsSince(start));
  }
  CheckAnswers(fork);
  return Text(kRounds, " cells interrupted right after they were sent, median ", Median(took), " ms");
}

ENGINE_TEST(interrupt_again_after_it_was_caught) {
  Fork fork(context);
  const uint16_t execution = StartAndAwaitOutput(fork, R"(
import sys
caught = 0
while caught < 3:
    try:
        sys.stdout.write(f'{caught}\n')
        while True: pass
    except KeyboardInterrupt:
        caught += 1)");
  for (int i = 0; i < 3; i++) {
    const uint64_t before = fork.vm().runner().bytes_out();
    Check(fork.vm().runner().Interrupt(execution), "the engine says that the cell does not run");
    if (i == 2) break;
    WaitFor("the cell to catch its interrupt", kPatience, [&] { return fork.vm().runner().bytes_out() > before; });
    // It has been seen: repeating it does nothing.
    fork.vm().runner().Interrupt(execution, true);
  }
  const CellResult cell = fork.Finish(execution);
  CheckEqual(int{cell.done.status}, int{ZB_DONE_OK}, "the status: " + Summary(cell));
  CheckEqual(cell.out, "0\n1\n2\n", "the output");
  return "three interrupts caught in one cell, each once";
}

ENGINE_TEST(interrupt_handlers_of_cells) {
  Fork fork(context);
  // A handler of the cell's own, also by the name it was imported under; then the usual one again.
  const uint16_t execution = StartAndAwaitOutput(fork, R"(
import os, signal, time
came = []
before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
print(before is signal.default_int_handler, len(came))
while not came: time.sleep(0.01)
print(len(came)))");
  const Interrupted ended = InterruptNow(fork, execution);
  CheckEqual(ended.cell.out, "True 0\n1\n", "a cell with a handler: " + Summary(ended.cell));
  CheckEqual(RunOk(fork, "os.kill(os.getpid(), signal.SIGINT)\nprint(len(came))"), "2\n", "a signal of the cell's own");
  RunOk(fork,
        "assert signal.signal(signal.SIGINT, before) is not before\nassert signal.getsignal(signal.SIGINT) is before");
  CheckInterrupted(fork.Run("os.kill(os.getpid(), signal.SIGINT)\ntime.sleep(1)"), "a cell that interrupts itself");
  CheckInterrupted(fork.Run("import _thread\n_thread.interrupt_main()\ntime.sleep(1)"), "interrupt_main()");
  RunOk(fork, "kept = 41");
  InterruptCell(fork, "while True: pass");
  return "handlers set, called once, taken back; a program's own signals count as ever";
}

ENGINE_TEST(interrupt_kill_children) {
  Fork fork(context);
  const std::string stubborn = R"(
import os, signal, subprocess, time
def wait(child):
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            print('caught')
loop = 'trap "" INT; echo ready; while :; do sleep 1; done'
)";
  // One in the agent's process group, one in a session of its own.
  uint16_t execution = StartAndAwaitOutput(fork, stubborn + R"(
print(wait(subprocess.Popen(['sh', '-c', loop])), wait(subprocess.Popen(['sleep', '0'])))
)");
  const uint64_t before = fork.vm().runner().bytes_out();
  {
    const Interruption interruption(fork, execution);
    // CPython loses a child's status if its interrupt is raised between the child's end and the return of waitpid().
    WaitFor("the cell to catch its interrupt", kPatience, [&] { return fork.vm().runner().bytes_out() > before; });
  }
  auto start = Clock::now();
  Check(fork.vm().runner().KillChildren(execution), "the engine says that the cell does not run");
  CellResult cell = fork.Finish(execution);
  const double took = MillisecondsSince(start);
  Check(cell.done.status == ZB_DONE_OK && cell.out.find("-9 0\n") != std::string::npos, "the cell: ", Summary(cell));
  Check(took <= context.AtMost(5000, 15'000), "the cell ended ", took, " ms after its child was killed");

  execution = StartAndAwaitOutput(fork, "print(wait(subprocess.Popen(['sh', '-c', loop], start_new_session=True)))");
  fork.vm().runner().KillChildren(execution);
  cell = fork.Finish(execution);
  Check(cell.done.status == ZB_DONE_OK && cell.out.find("-9\n") != std::string::npos,
        "a child with a session of its own: ", Summary(cell));

  // Forked from the agent, with its handlers: it must not kill in its turn.
  execution = StartAndAwaitOutput(fork, R"(
child = os.fork()
if child == 0:
    time.sleep(100)
    os._exit(0)
print(child > 0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))");
  fork.vm().runner().KillChildren(execution);
  cell = fork.Finish(execution);
  CheckEqual(cell.out, "True\n-9\n", "a forked child: " + Summary(cell));
  // Ctrl-Z that nobody of the host's asked for does nothing.
  CheckEqual(RunOk(fork, R"(
child = subprocess.Popen(['sleep', '0.3'])
os.kill(os.getpid(), signal.SIGTSTP)
print(child.wait()))"),
             "0\n", "a child after a signal of the cell's own");
  Check(fork.WaitUntilParked(kPatience), "the fork does not park once its children are gone");
  return Text("children killed, ", took, " ms; the agent lives");
}

// Interrupts at random moments around a cell's end: the cell ends this way or that, the next one is untouched.
ENGINE_TEST(interrupt_late_is_dropped) {
  Fork fork(context);
  const uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  std::vector<double> lengths;
  for (int i = 0; i < 10; i++) {
    const auto start = Clock::now();
    RunOk(fork, "sum(range(2000))");
    lengths.push_back(MillisecondsSince(start));
  }
  const auto span = static_cast<uint64_t>(Median(lengths) * 1500) + 1;
  const int rounds = Rounds(context);
  int interrupted = 0, delivered = 0;
  const auto start = Clock::now();
  for (int i = 0; i < rounds; i++) {
    const uint16_t execution = fork.Start("sum(range(2000))");
    std::this_thread::sleep_for(std::chrono::microseconds(random() % span));
    if (fork.vm().runner().Interrupt(execution)) delivered++;
    const CellResult cell = fork.Finish(execution);
    if (cell.done.status == ZB_DONE_INTERRUPTED) interrupted++;
    Check(cell.done.status == ZB_DONE_OK || cell.done.status == ZB_DONE_INTERRUPTED, "round ", i, " of seed ", seed,
          ": ", Summary(cell));
    CheckEqual(RunOk(fork, "print(1 + 1)"), "2\n", Text("the cell after round ", i, " of seed ", seed));
  }
  return Text(rounds, " interrupts within ", span, " us: ", delivered, " while the cell ran, ", interrupted,
              " ended it, none reached the next cell; ", MillisecondsSince(start) / rounds, " ms each");
}

}  // namespace zb::test
