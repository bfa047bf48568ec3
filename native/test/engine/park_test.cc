// Between cells: an idle fork costs nothing, and one whose threads have work goes on.
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>

#include "engine/cells.h"
#include "hosts/host.h"

namespace zb::test {
namespace {

// Sends of the test below; where processor or guest kernel is emulated, a tenth unless told.
constexpr int kSends = 100'000;
constexpr const char* kSendsVariable = "ZEROBOOT_TEST_SENDS";

int Sends(const Context& context) {
  const char* asked = std::getenv(kSendsVariable);
  if (asked != nullptr) return std::atoi(asked);
  const bool slow = context.emulated || std::string_view(Host::Current().kind()) != "hardware";
  return slow ? kSends / 10 : kSends;
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
              " sets how many, ", kSends, " on hardware)");
}

// The kernel's own threads come and go; only the guest's others keep it from being parked.
ENGINE_TEST(park_only_when_alone) {
  Fork fork(context);
  const auto parks = [&](const char* code) {
    RunOk(fork, code);
    Check(fork.WaitUntilParked(kPatience), "the fork does not park after ", code);
  };
  const auto stays = [&](const char* code) {
    RunOk(fork, code);
    for (int i = 0; i < 30; i++) {
      std::this_thread::sleep_for(milliseconds(100));
      Check(!fork.vm().runner().parked(), "the fork is parked ", i * 100, " ms after ", code);
    }
  };
  RunOk(fork, "import os, subprocess, sys, threading, time");
  parks("subprocess.run(['true'], check=True)");
  parks("thread = threading.Thread(target=print)\nthread.start()\nthread.join()");
  // Ended, and nobody has asked: it will never run again.
  parks("zombie = subprocess.Popen(['true'])\ntime.sleep(0.5)");
  parks("os.system('true')\nos.sync()");
  stays("child = subprocess.Popen(['sleep', '1000'])");
  parks("child.kill()\nchild.wait() and None");
  stays("go = threading.Event()\nthread = threading.Thread(target=go.wait)\nthread.start()");
  parks("go.set()\nthread.join()");
  // Nobody's child any more: init's.
  stays("subprocess.run('sleep 1000 & echo $! > /tmp/pid', shell=True, check=True) and None");
  parks("os.kill(int(open('/tmp/pid').read()), 9)");
  parks("subprocess.run('sleep 0.5 &', shell=True, check=True) and None");
  return "parked after children and threads that have ended, not while one lives";
}

// A cell may come while the agent looks whether there is anything else in its guest: what it finds then says nothing
// of what that cell leaves behind.
ENGINE_TEST(park_not_by_an_old_look) {
  Fork fork(context);
  const uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  RunOk(fork, "import os, threading");
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; round++) {
    RunOk(fork, "os.system('true') and None");
    // The look takes some 30 system calls.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (context.emulated ? 20'000 : 4'000)));
    RunOk(fork, "go = threading.Event()\nthread = threading.Thread(target=go.wait)\nthread.start()");
    std::this_thread::sleep_for(milliseconds(200));
    Check(!fork.vm().runner().parked(), "the fork is parked though a thread lives; round ", round, " of seed ", seed);
    RunOk(fork, "go.set()\nthread.join()");
    Check(fork.WaitUntilParked(kPatience), "the fork does not park after its thread has ended");
  }
  return Text("a thread that was started during a look kept its guest running, ", kRounds, " times");
}

ENGINE_TEST(park_a_hundred_idle_forks) {
  constexpr int kForks = 100;
  constexpr seconds kIdle{10};
  std::vector<std::unique_ptr<Fork>> forks;
  for (int i = 0; i < kForks; i++) {
    forks.push_back(std::make_unique<Fork>(context));
    CheckAnswers(*forks.back());
  }
  for (const auto& fork : forks) Check(fork->WaitUntilParked(kPatience), "a fork does not park");
  // Each wakes once more, to put its armed tick off: at most a tick later.
  std::this_thread::sleep_for(seconds(2));
  const auto sum = [&](auto counter) {
    uint64_t total = 0;
    for (const auto& fork : forks) total += (fork->vm().runner().*counter)();
    return total;
  };
  const uint64_t exits = sum(&GuestRunner::exits), wakeups = sum(&GuestRunner::wakeups);
  std::this_thread::sleep_for(kIdle);
  CheckEqual(sum(&GuestRunner::exits) - exits, uint64_t{0}, "the number of VM exits of idle forks");
  CheckEqual(sum(&GuestRunner::wakeups) - wakeups, uint64_t{0}, "the number of wake-ups of their threads");
  for (const auto& fork : forks) Check(fork->vm().runner().parked(), "a fork left its park by itself");
  CheckAnswers(*forks.front());
  CheckAnswers(*forks.back());
  return Text(kForks, " parked forks: no VM exit and no wake-up in ", kIdle.count(), " s");
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
