// Between cells: an idle fork costs nothing, and one whose threads have work goes on.
#include <cstdlib>
#include <random>
#include <thread>

#include "engine/cells.h"

namespace zb::test {
namespace {

// Sends of the test below; an emulated machine does a tenth unless told.
constexpr int kSends = 100'000;
constexpr const char* kSendsVariable = "ZEROBOOT_TEST_SENDS";

int Sends(const Context& context) {
  const char* asked = std::getenv(kSendsVariable);
  return asked != nullptr ? std::atoi(asked) : context.emulated ? kSends / 10 : kSends;
}

}  // namespace

ENGINE_TEST(park_idle_fork_makes_no_exit) {
  Fork fork(context);
  CheckAnswers(fork);
  Check(fork.WaitUntilParked(kPatience), "the fork does not park after its cell");
  const GuestRunner& runner = fork.vm().runner();
  const uint64_t exits = runner.exits(), wakeups = runner.wakeups();
  std::this_thread::sleep_for(seconds(2));
  Check(runner.parked(), "the fork left its park by itself");
  CheckEqual(runner.exits() - exits, uint64_t{0}, "the number of VM exits of an idle fork in 2 s");
  const uint64_t woken = runner.wakeups() - wakeups;
  // Once, to put the armed tick off.
  Check(woken <= 1, "the vCPU thread of an idle fork woke ", woken, " times in 2 s");
  CheckAnswers(fork);
  return Text("0 VM exits and ", woken, " wake-ups in 2 s");
}

ENGINE_TEST(park_threads_run_between_cells) {
  Fork fork(context);
  RunOk(fork, R"(
import threading, time
ticks = 0
stop = False
def work():
    global ticks
    while not stop:
        ticks += 1
        time.sleep(0.01)
thread = threading.Thread(target=work)
thread.start())");
  const long long before = RunInteger(fork, "print(ticks)");
  std::this_thread::sleep_for(seconds(1));
  const long long after = RunInteger(fork, "print(ticks)");
  Check(after - before >= 10, "the thread ticked ", after - before, " times in 1 s between cells");
  // Input reaches an agent that waits in the guest and not in the engine, many times in a row.
  for (int i = 0; i < 100; i++) CheckEqual(RunInteger(fork, Text("print(", i, ")")), i, "a cell beside the thread");
  RunOk(fork, "stop = True\nthread.join()");
  Check(fork.WaitUntilParked(kPatience), "the fork does not park after its thread has ended");
  return Text("a thread ticked ", after - before, " times in 1 s without a cell; parked once it had ended");
}

// Cells and their input at random moments, to a guest that is parked in the engine or, while a thread lives that ends
// at any time, waits in its kernel. A lost one would have the cell wait for ever; a wrong order is seen by the cell.
ENGINE_TEST(park_sends_at_random_times) {
  Fork fork(context);
  const uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  RunOk(fork, "import threading, time");
  constexpr int kLines = 24;
  const int rounds = Sends(context) / (kLines + 1);
  const auto start = Clock::now();
  for (int round = 0; round < rounds; round++) {
    std::string code = random() % 2 == 0 ? ""
                                         : Text("threading.Thread(target=time.sleep, args=(", (random() % 8) / 1000.0,
                                                ",)).start()\n");
    code += Text("for i in range(", kLines, "):\n    line = input()\n    assert line == f'", round, " {i}', line");
    const uint16_t execution = fork.Start(code, ZB_EXECUTE_STDIN_OPEN);
    for (int i = 0; i < kLines; i++) {
      // Mostly at once; now and then long enough for the guest to park, or to look for other threads.
      if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
      fork.Write(execution, Text(round, " ", i, "\n"));
    }
    const CellResult cell = fork.Finish(execution);
    Check(cell.done.status == ZB_DONE_OK, "round ", round, " of seed ", seed, ": ", Summary(cell));
  }
  return Text(rounds * (kLines + 1), " sends in ", MillisecondsSince(start) / 1000, " s, none lost (", kSendsVariable,
              " sets how many, ", kSends, " without emulation)");
}

ENGINE_TEST(park_spaced_cells) {
  Fork fork(context);
  std::vector<double> spaced, close;
  for (int i = 0; i < 20; i++) {
    std::this_thread::sleep_for(milliseconds(50));
    auto start = Clock::now();
    CheckEqual(RunOk(fork, "print(1 + 1)"), "2\n", "a cell 50 ms after another");
    spaced.push_back(MillisecondsSince(start));
    start = Clock::now();
    CheckEqual(RunOk(fork, "print(1 + 1)"), "2\n", "a cell right after another");
    close.push_back(MillisecondsSince(start));
  }
  return Text("median ", static_cast<int>(Median(spaced) * 1000), " us 50 ms after another, ",
              static_cast<int>(Median(close) * 1000), " us right after it");
}

}  // namespace zb::test
