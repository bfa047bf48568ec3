// Ctrl-C: ends the cell it is meant for, and nothing else.
#include <random>
#include <thread>

#include "engine/cells.h"

namespace zb::test {
namespace {

// The guest computes or sleeps: it has made no exit for a while. CPython notices a signal that comes just before it
// enters a system call only when that call returns, in a guest as anywhere, and here the call is a long sleep.
void AwaitQuiet(const GuestRunner& runner) {
  constexpr milliseconds kQuiet{300};
  uint64_t exits = runner.exits();
  auto since = Clock::now();
  WaitFor("the guest to be quiet", kPatience, [&] {
    if (runner.exits() != exits) since = Clock::now();
    exits = runner.exits();
    return Clock::now() - since > kQuiet;
  });
}

double InterruptCell(Conversation& fork, const std::string& body) {
  const uint16_t execution = StartAndAwaitOutput(fork, "reached = 'begun'\nprint(reached)\n" + body);
  AwaitQuiet(fork.vm().runner());
  const auto start = Clock::now();
  Check(fork.vm().runner().Interrupt(execution), "the engine says that the cell does not run");
  const CellResult cell = fork.Finish(execution);
  const double took = MillisecondsSince(start);
  CheckEqual(int{cell.done.status}, int{ZB_DONE_INTERRUPTED}, "the status of " + body);
  CheckEqual(cell.done.exit_code, 130, "the exit code of " + body);
  CheckEqual(cell.error_name, "KeyboardInterrupt", "the error of " + body);
  CheckEqual(cell.out, "begun\n", "what was printed before " + body);
  return took;
}

}  // namespace

ENGINE_TEST(interrupt_keeps_state) {
  Fork fork(context);
  RunOk(fork, "import time\nkept = 41");
  const double loop = InterruptCell(fork, "while True: pass");
  CheckEqual(RunOk(fork, "print(kept + 1, reached)"), "42 begun\n", "state after an interrupted loop");
  const double sleep = InterruptCell(fork, "time.sleep(100)");
  CheckEqual(RunOk(fork, "print(kept + 1, reached)"), "42 begun\n", "state after an interrupted sleep");
  Check(!fork.vm().runner().Interrupt(999), "the engine interrupts an execution that does not run");
  for (const double took : {loop, sleep}) {
    Check(took <= context.AtMost(1000, 10'000), "an interrupt took ", took, " ms");
  }
  return Text("a loop ended ", loop, " ms after it, a sleep ", sleep, " ms after it");
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
  int interrupted = 0, delivered = 0;
  constexpr int kRounds = 300;
  for (int i = 0; i < kRounds; i++) {
    const uint16_t execution = fork.Start("sum(range(2000))");
    std::this_thread::sleep_for(std::chrono::microseconds(random() % span));
    if (fork.vm().runner().Interrupt(execution)) delivered++;
    const CellResult cell = fork.Finish(execution);
    if (cell.done.status == ZB_DONE_INTERRUPTED) interrupted++;
    Check(cell.done.status == ZB_DONE_OK || cell.done.status == ZB_DONE_INTERRUPTED, "round ", i, " of seed ", seed,
          ": ", Summary(cell));
    CheckEqual(RunOk(fork, "print(1 + 1)"), "2\n", Text("the cell after round ", i, " of seed ", seed));
  }
  return Text(kRounds, " interrupts within ", span, " us: ", delivered, " while the cell ran, ", interrupted,
              " ended it, none reached the next cell");
}

}  // namespace zb::test
