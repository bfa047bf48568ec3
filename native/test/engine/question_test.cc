// Questions about source: answered from the live namespace, and nothing of them stays.
#include <cstring>

#include "engine/cells.h"

namespace zb::test {
namespace {

std::string CompletePayload(const std::string& code, uint32_t cursor) {
  std::string payload(sizeof(cursor), '\0');
  std::memcpy(payload.data(), &cursor, sizeof(cursor));
  return payload + code;
}

CellResult Complete(Conversation& fork, const std::string& code) {
  return fork.Finish(fork.Start(CompletePayload(code, static_cast<uint32_t>(code.size())), ZB_EXECUTE_COMPLETE));
}

CellResult CheckWhole(Conversation& fork, const std::string& code) {
  return fork.Finish(fork.Start(code, ZB_EXECUTE_CHECK));
}

void CheckAnswer(const CellResult& answer, const std::string& json, const std::string& what) {
  CheckEqual(answer.json, json, "the answer to " + what);
  CheckEqual(Summary(answer), "status 0 exit 0 flags 0 out '' err '' result '' error ': '", "the rest of it");
}

}  // namespace

ENGINE_TEST(question_answers) {
  Fork fork(context);
  RunOk(fork, "import numpy as np\nalpha = 1\nlines_before = len(__import__('linecache').cache)");
  CheckAnswer(Complete(fork, "alp"), R"({"matches": ["alpha"], "start": 0, "end": 3})", "alp");
  CheckAnswer(Complete(fork, "x = np.aran"), R"({"matches": ["arange"], "start": 7, "end": 11})", "np.aran");
  CheckAnswer(Complete(fork, "import zlib, unitt"), R"({"matches": ["unittest"], "start": 13, "end": 18})", "import");
  CheckAnswer(CheckWhole(fork, "def f():"), R"({"status": "incomplete", "indent": "    "})", "def f():");
  CheckAnswer(CheckWhole(fork, "1 +* 2"), R"({"status": "invalid", "indent": ""})", "1 +* 2");
  CheckAnswer(CheckWhole(fork, "print(1)"), R"({"status": "complete", "indent": ""})", "print(1)");
  std::vector<double> times;
  for (int i = 0; i < 20; i++) {
    const auto start = Clock::now();
    Complete(fork, "np.arr");
    times.push_back(MillisecondsSince(start));
  }
  const CellResult cell = fork.Run("print(len(__import__('linecache').cache) - lines_before)");
  CheckEqual(cell.out, "1\n", "the number of sources remembered since, with this cell's");
  CheckEqual(cell.done.execution_count, 2u, "the count of the second cell");
  return Text("six answers; a completion of np.arr in ", Median(times), " ms");
}

ENGINE_TEST(question_of_hostile_objects) {
  Fork fork(context);
  RunOk(fork, R"(
import os, time
class Loud:
    def __getattr__(self, name):
        print('loud'); os.write(1, b'louder\n')
        raise SystemExit(7)
class Slow:
    def __dir__(self):
        print('begun')
        time.sleep(1000)
class Forks:
    def __dir__(self):
        self.child = os.fork()
        return ['child', 'parent']
loud, slow, forks = Loud(), Slow(), Forks())");
  const CellResult loud = Complete(fork, "loud.x.y");
  CheckEqual(int{loud.done.status}, int{ZB_DONE_ERROR}, "the status of an answer given up");
  CheckEqual(loud.json, "", "its answer");
  CheckEqual(Complete(fork, "forks.pa").json, R"({"matches": ["parent"], "start": 6, "end": 8})", "what forks");
  RunOk(fork, "assert os.waitpid(forks.child, 0)[1] == 256");
  CheckAnswers(fork);

  GuestRunner& runner = fork.vm().runner();
  const uint64_t before = runner.bytes_out();
  const std::string code = "slow.x";
  const uint16_t slow = fork.Start(CompletePayload(code, static_cast<uint32_t>(code.size())), ZB_EXECUTE_COMPLETE);
  WaitFor("the slow question to run", kPatience, [&] { return runner.bytes_out() > before; });
  const auto start = Clock::now();
  // CPython misses a signal that comes just before a long system call: as an impatient user.
  WaitFor("the interrupt to end it", kPatience, [&] {
    runner.Interrupt(slow);
    return fork.WaitUntilParked(milliseconds(200));
  });
  const double took = MillisecondsSince(start);
  const CellResult answer = fork.Finish(slow);
  CheckEqual(int{answer.done.status}, int{ZB_DONE_INTERRUPTED}, "the status of an interrupted question");
  CheckEqual(answer.json, "", "the answer of an interrupted question");
  CheckAnswers(fork);
  return Text("given up or survived; a question that sleeps ended ", took, " ms after an interrupt");
}

}  // namespace zb::test
