// A lost timer makes everything look fast: these fail when the guest's clock event does not come, or comes at once.
#include <algorithm>
#include <thread>

#include "engine/cells.h"

namespace zb::test {
namespace {

constexpr double kSleepMs = 50;

}  // namespace

// No sleep is short, in none is the timer lost, and where nobody else wants the processor it is punctual.
ENGINE_TEST(timer_sleep_in_fresh_forks) {
  constexpr size_t kPunctual = 5, kMostForks = 40;
  constexpr double kLost = 1000;
  const double ceiling = context.AtMost(80, kLost);
  std::vector<double> host, guest;
  size_t forks = 0;
  for (; host.size() < kPunctual; forks++) {
    Check(forks < kMostForks, "only ", host.size(), " of ", forks, " sleeps took at most ", ceiling, " ms");
    Fork fork(context);
    const auto start = Clock::now();
    const double inside = RunNumber(fork,
                                    "import time\nbegin = time.monotonic()\ntime.sleep(0.05)\n"
                                    "print((time.monotonic() - begin) * 1000)");
    const double outside = MillisecondsSince(start);
    Check(inside >= kSleepMs && inside <= kLost, "time.sleep(0.05) took ", inside, " ms by the guest's clock");
    Check(outside >= kSleepMs && outside <= kLost, "time.sleep(0.05) took ", outside, " ms by the host's clock");
    if (inside > ceiling || outside > ceiling) continue;
    host.push_back(outside);
    guest.push_back(inside);
  }
  return Text("50 ms of sleep took ", Median(host), " ms by the host's clock, ", Median(guest),
              " ms by the guest's (allowed: 50 to ", ceiling, context.emulated ? ", emulated" : "", ") in ", kPunctual,
              " of ", forks, " forks");
}

ENGINE_TEST(timer_two_threads_progress) {
  Fork fork(context);
  const std::string out = RunOk(fork, R"(
import threading, time
counts = [0, 0]
stop = False
def work(i):
    while not stop:
        counts[i] += 1
threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
for thread in threads: thread.start()
time.sleep(0.5)
stop = True
for thread in threads: thread.join()
print(*counts))");
  long first = 0, second = 0;
  CheckEqual(std::sscanf(out.c_str(), "%ld %ld", &first, &second), 2, "the number of counts in '" + out + "'");
  // Python hands its lock over every 5 ms, so in 500 ms both had it many times.
  Check(first > 1000 && second > 1000, "two threads counted to ", first, " and ", second);
  CheckAnswers(fork);
  return Text("two threads counted to ", first, " and ", second, " in 0.5 s");
}

ENGINE_TEST(timer_wall_clock) {
  const double tolerance = context.AtMost(50, 1000);
  double worst = 0;
  const auto difference = [](Conversation& fork) {
    const auto now = [] {
      return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch()).count();
    };
    const double before = now();
    const double guest = RunNumber(fork, "import time; print(f'{time.time() * 1000:.3f}')");
    const double after = now();
    return guest < before ? before - guest : guest > after ? guest - after : 0;
  };
  for (int i = 0; i < 5; i++) {
    Fork fork(context);
    const double first = difference(fork);
    Check(first <= tolerance, "a fresh fork's clock is wrong by ", first, " ms");
    // Parked for a while, its tick deferred: the clock goes on.
    std::this_thread::sleep_for(milliseconds(300));
    const double later = difference(fork);
    Check(later <= tolerance, "the clock is wrong by ", later, " ms after 300 ms of parking");
    worst = std::max({worst, first, later});
  }
  return Text("wrong by at most ", worst, " ms in 5 forks (allowed: ", tolerance,
              context.emulated ? ", emulated)" : ")");
}

}  // namespace zb::test
