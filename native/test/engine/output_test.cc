// Much output: every byte arrives, and a reader who does not read costs bounded memory.
#include <sys/resource.h>

#include <fstream>
#include <thread>

#include "engine/cells.h"

namespace zb::test {
namespace {

constexpr uint64_t kOutputBytes = 10 * kMiB;
constexpr uint64_t kLineBytes = 64;

// 64-byte lines that name their number: a lost, doubled or moved piece shows.
std::string NumberedLines() {
  std::string text;
  text.reserve(kOutputBytes);
  char line[kLineBytes + 1];
  for (uint64_t i = 0; i < kOutputBytes / kLineBytes; i++) {
    std::snprintf(line, sizeof(line), "%063llu\n", static_cast<unsigned long long>(i));
    text += line;
  }
  return text;
}

void CheckSame(const std::string& actual, const std::string& expected, const char* what) {
  CheckEqual(actual.size(), expected.size(), Text("the length of ", what));
  for (size_t i = 0; i < expected.size(); i++) {
    Check(actual[i] == expected[i], what, " differs at byte ", i);
  }
}

uint64_t ResidentKilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("RssAnon:", 0) == 0) return std::stoull(line.substr(8));
  }
  return 0;
}

}  // namespace

ENGINE_TEST(output_arrives_exactly) {
  Fork fork(context);
  const std::string expected = NumberedLines();
  RunOk(fork, Text("import os, sys\ntext = ''.join(f'{i:063d}\\n' for i in range(", kOutputBytes / kLineBytes, "))"));
  auto start = Clock::now();
  CheckSame(RunOk(fork, "sys.stdout.write(text) and None"), expected, "one write to sys.stdout");
  const double one = MillisecondsSince(start);
  start = Clock::now();
  CheckSame(RunOk(fork, "for at in range(0, len(text), 4096): print(text[at:at + 4096], end='')"), expected,
            "4 KiB writes to sys.stdout");
  const double many = MillisecondsSince(start);
  const std::string part = expected.substr(0, kMiB);
  CheckSame(RunOk(fork, "data = memoryview(text.encode())[:1 << 20]\nwhile data: data = data[os.write(1, data):]"),
            part, "1 MiB written to descriptor 1");
  CheckSame(RunOk(fork,
                  "import subprocess\n"
                  "subprocess.run(['/bin/cat'], input=text[:1 << 20].encode(), check=True) and None"),
            part, "1 MiB written by a child");
  return Text("10 MiB in ", one, " ms in one write, in ", many,
              " ms in 4 KiB writes; 1 MiB by descriptor, 1 MiB by a child");
}

ENGINE_TEST(output_flood_is_bounded) {
  Fork fork(context);
  GuestRunner& runner = fork.vm().runner();
  const uint64_t out_before = runner.bytes_out(), resident_before = ResidentKilobytes();
  const uint16_t execution = StartAndAwaitOutput(fork, "while True: print('x' * 1000)");
  // Nobody reads: the guest runs until the queue and the ring are full, then waits in the engine.
  uint64_t exits = 0;
  WaitFor("the flood to stand still", kPatience, [&] {
    exits = runner.exits();
    std::this_thread::sleep_for(milliseconds(300));
    return runner.exits() == exits;
  });
  std::this_thread::sleep_for(seconds(1));
  CheckEqual(runner.exits(), exits, "the number of exits of a guest that waits for its reader");
  const uint64_t queued = runner.bytes_out() - out_before;
  Check(queued > OutputQueue::kMaxBytes / 2 && queued <= OutputQueue::kMaxBytes, "the queue holds ", queued, " bytes");

  // A slow reader: the guest goes on by what was read, and no further.
  uint64_t read = 0;
  for (int i = 0; i < 20; i++) {
    if (const auto records = runner.Read(32 * 1024)) read += records->size();
    std::this_thread::sleep_for(milliseconds(20));
    Check(runner.bytes_out() - out_before - read <= OutputQueue::kMaxBytes, "the queue grew over its limit");
  }
  Check(read > OutputQueue::kMaxBytes, "only ", read, " bytes came while somebody read");
  const uint64_t resident = ResidentKilobytes();
  Check(resident < resident_before + 16 * 1024, "memory grew by ", resident - resident_before, " kB");

  // As the server does when a cell must end: no reader is needed for that.
  runner.DiscardOutput();
  WaitFor("the cell to take the interrupt", kPatience, [&] {
    // In a print loop the guest is in the engine or the agent most of the time, but always in the cell.
    runner.Interrupt(execution);
    std::this_thread::sleep_for(milliseconds(20));
    return fork.WaitUntilParked(milliseconds(100));
  });
  const CellResult cell = fork.Finish(execution);
  CheckEqual(int{cell.done.status}, int{ZB_DONE_INTERRUPTED}, "the status of the flood");
  Check((cell.done.flags & ZB_DONE_TRUNCATED) != 0, "the flood's end does not say that output was dropped");
  CheckAnswers(fork);
  return Text("stood still with ", queued, " bytes queued, resident memory +",
              resident > resident_before ? resident - resident_before : 0, " kB, ", read,
              " bytes to a slow reader, then interrupted and truncated");
}

}  // namespace zb::test
