// Standard input: one stream for the agent and for the cell's children, to the last byte and no further.
#include <random>
#include <thread>

#include "engine/cells.h"

namespace zb::test {
namespace {

constexpr uint8_t kOpen = ZB_EXECUTE_STDIN_OPEN;

// A cell with input, all of which the client has sent before the cell is there.
CellResult RunWith(Conversation& fork, const std::string& code, const std::string& input) {
  const uint16_t execution = fork.Start(code, kOpen);
  fork.Write(execution, input, true);
  return fork.Finish(execution);
}

void CheckOut(const CellResult& cell, const std::string& out, const std::string& what) {
  Check(cell.done.status == ZB_DONE_OK, what, ": ", Summary(cell), "\n", cell.error_traceback);
  CheckEqual(cell.out, out, what);
}

// A megabyte that no shift, loss or doubling leaves the same.
std::string Megabyte() {
  std::mt19937_64 random(7);
  std::string bytes(1'000'000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace

ENGINE_TEST(stdin_of_children) {
  Fork fork(context);
  RunOk(fork, "import hashlib, os, subprocess, sys");
  const std::string megabyte = Megabyte();
  const std::string sum = RunWith(fork, "print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())", megabyte).out;
  const auto start = Clock::now();
  CheckOut(RunWith(fork,
                   "out = subprocess.run(['cat'], stdout=subprocess.PIPE, check=True).stdout\n"
                   "print(hashlib.sha256(out).hexdigest(), len(out))",
                   megabyte),
           sum.substr(0, sum.size() - 1) + " 1000000\n", "what cat read");
  const double cat = MillisecondsSince(start);
  // Not only alike, in case that both are wrong alike.
  CheckEqual(RunWith(fork, "sys.stdin.buffer.read() == out", megabyte).result, "True", "cat's and the host's bytes");

  CheckOut(RunWith(fork, "os.system('read x; echo got $x; cat') and None", "one\ntwo\nthree"), "got one\ntwo\nthree",
           "a shell's line and the rest");
  CheckOut(RunWith(fork, "print(os.read(0, 100), os.read(0, 100))", "bytes"), "b'bytes' b''\n", "descriptor 0");
  CheckOut(RunWith(fork, "with open(0, closefd=False) as f: print(f.read())", "a\nb"), "a\nb\n", "open(0)");
  CheckOut(RunWith(fork, "print(open(0).read())", "closes"), "closes\n", "open(0), closed after it");
  CheckOut(RunWith(fork, "print(input())", "and\nopen again"), "and\n", "the cell after descriptor 0 was closed");
  CheckOut(RunWith(fork, "subprocess.run(['cat']) and None", ""), "", "cat without input");

  // A child asks while the client types: no request says so.
  const uint16_t execution =
      StartAndAwaitOutput(fork, "print('begun')\nos.system('read x; echo got $x') and None", kOpen);
  std::this_thread::sleep_for(milliseconds(300));
  const uint64_t before = fork.vm().runner().bytes_out();
  const auto typed = Clock::now();
  fork.Write(execution, "later\n");
  WaitFor("the child's answer", kPatience, [&] { return fork.vm().runner().bytes_out() > before; });
  const double answered = MillisecondsSince(typed);
  CheckOut(fork.Finish(execution), "begun\ngot later\n", "what was typed later");
  Check(answered < context.AtMost(5000, 20'000), "a child had its line ", answered, " ms after it was typed");
  return Text("1 MB through cat in ", cat, " ms; a line typed later answered after ", answered, " ms");
}

ENGINE_TEST(stdin_is_one_stream) {
  Fork fork(context);
  RunOk(fork, "import os, subprocess, sys, threading, time");
  const std::string mixed =
      "print('1', input())\nos.system('read x; echo 2 $x')\nprint('3', input())\nprint('4', sys.stdin.readline(), "
      "end='')\nsubprocess.run(['head', '-c', '5'])\nprint(os.read(0, 2))\nprint(repr(sys.stdin.read()))";
  const std::string expected = "1 a\n2 b\n3 c\n4 d\n12345b'67'\n'8\\ne\\n'\n";
  CheckOut(RunWith(fork, mixed, "a\nb\nc\nd\n12345678\ne\n"), expected, "all sent at once");

  uint16_t execution = fork.Start(mixed, kOpen);
  for (const char* piece : {"a\nb", "\nc\n", "d", "\n123", "45678\n", "e\n"}) {
    std::this_thread::sleep_for(milliseconds(50));
    fork.Write(execution, piece);
  }
  fork.Write(execution, "", true);
  CheckOut(fork.Finish(execution), expected, "sent in pieces");

  // The agent waits in the guest, not in the engine, while a thread lives.
  RunOk(fork, "stop = threading.Event()\nthread = threading.Thread(target=stop.wait)\nthread.start()");
  execution = fork.Start(mixed, kOpen);
  for (const char* piece : {"a\nb", "\nc\n", "d", "\n123", "45678\n", "e\n"}) {
    std::this_thread::sleep_for(milliseconds(50));
    fork.Write(execution, piece);
  }
  fork.Write(execution, "", true);
  CheckOut(fork.Finish(execution), expected, "sent in pieces beside a thread");
  RunOk(fork, "stop.set()\nthread.join()");

  // Lines for input() by the thousand, with children between them.
  std::string lines;
  for (int i = 0; i < 3000; i++) lines += Text("line ", i, "\n");
  CheckOut(RunWith(fork,
                   "for i in range(3000):\n"
                   "    if i % 1000 == 500: line = subprocess.run('read x; echo $x', shell=True,\n"
                   "                                              stdout=subprocess.PIPE, text=True).stdout[:-1]\n"
                   "    else: line = input()\n"
                   "    assert line == f'line {i}', (i, line)\n"
                   "print('all')",
                   lines),
           "all\n", "3000 lines, three of them read by children");

  const CellResult prompted = RunWith(fork, "print(input())\ntry: input()\nexcept EOFError: print('end')", "z\n");
  CheckOut(prompted, "z\nend\n", "the end of input");
  return "in order from input(), sys.stdin, children and descriptor 0; at once, in pieces, beside a thread";
}

ENGINE_TEST(stdin_ends_with_its_cell) {
  Fork fork(context);
  RunOk(fork, "import os, subprocess, sys, time");
  CheckOut(fork.Finish(fork.Start("print(os.read(0, 10), subprocess.run(['cat']).returncode)\n"
                                  "try: input('name? ')\nexcept EOFError: print('end')")),
           "b'' 0\nname? end\n", "a cell without input, the prompt for which goes to its output");
  // Nobody reads it, a child reads none of it, the agent reads a part of it.
  const std::string megabyte = Megabyte();
  for (const char* code : {"pass", "subprocess.run(['sleep', '0.2']) and None", "sys.stdin.readline()[:0] or None",
                           "sys.stdin.buffer.read(1)[:0] or None", "subprocess.run(['head', '-c', '1']) and None"}) {
    const uint16_t execution = fork.Start(code, kOpen);
    fork.Write(execution, megabyte);
    const CellResult cell = fork.Finish(execution);
    CheckEqual(int{cell.done.status}, int{ZB_DONE_OK}, Text("the status of ", code));
    CheckOut(RunWith(fork, "print(repr(input()), sys.stdin.read())", "next\n"), "'next' \n",
             Text("what follows ", code));
    CheckOut(fork.Run("print(os.read(0, 10))"), "b''\n", Text("a cell without input after ", code));
  }
  // A child that outlives its cell does not read the next one's.
  CheckOut(fork.Finish(fork.Start("orphan = subprocess.Popen(['cat'], stdout=subprocess.PIPE)", kOpen)), "",
           "an orphan");
  CheckOut(RunWith(fork, "print(input(), orphan.communicate()[0])", "mine\n"), "mine b''\n",
           "the cell beside an orphan");
  CheckAnswers(fork);
  return "unread input of five kinds reaches no later cell, nor does a child read a later one's";
}

ENGINE_TEST(stdin_thread_outlives_its_cell) {
  Fork fork(context);
  RunOk(fork,
        "import threading\nseen = []\ndef ask():\n    try: seen.append(input())\n"
        "    except EOFError: seen.append('end')\nthread = threading.Thread(target=ask)");
  const uint16_t execution = fork.Start("thread.start()", kOpen);
  CheckEqual(int{fork.Finish(execution).done.status}, int{ZB_DONE_OK}, "the status of the cell that left a thread");
  for (int i = 0; i < 50; i++) CheckEqual(RunInteger(fork, Text("print(", i, ")")), i, "a cell beside the thread");
  CheckOut(RunWith(fork, "print(input())", "mine\n"), "mine\n", "input of a later cell");
  return "50 cells and an input() beside a thread that was asking when its cell ended";
}

ENGINE_TEST(children_have_no_link) {
  Fork fork(context);
  CheckOut(fork.Run(R"(
import multiprocessing, os, subprocess, sys
def square(n):
    return n * n
def child():
    print('in the child')
    print('its error', file=sys.stderr)
pid = os.fork()
if pid == 0:
    print('forked')
    os._exit(0)
os.waitpid(pid, 0)
with multiprocessing.Pool(2) as pool:
    print(sum(pool.map(square, range(100))))
process = multiprocessing.Process(target=child)
process.start()
process.join()
print(process.exitcode, subprocess.run(['echo', 'run']).returncode))"),
           "forked\n328350\nin the child\nrun\n0 0\n", "what children print");
  const CellResult maps = fork.Run(R"(
pid = os.fork()
if pid == 0:
    lines = open('/proc/self/maps').read().splitlines()
    print([line for line in lines if '/dev/mem' in line])
    os._exit(0)
os.waitpid(pid, 0) and None)");
  CheckOut(maps, "[]\n", "what a child has of the link");
  CheckOut(RunWith(fork,
                   "pid = os.fork()\n"
                   "if pid == 0:\n    print(repr(input('p ')))\n    print(repr(sys.stdin.read()))\n    os._exit(0)\n"
                   "os.waitpid(pid, 0) and None",
                   "one\ntwo\n"),
           "p 'one'\n'two\\n'\n", "input() of a forked child");
  CheckOut(RunWith(fork,
                   "def asks():\n    try: print(repr(input()))\n    except EOFError: print('end')\n"
                   "process = multiprocessing.Process(target=asks)\nprocess.start()\nprocess.join()\nprint(input())",
                   "parent's\n"),
           "end\nparent's\n", "input() of a process of multiprocessing");
  // A child that comes to the cell's end ends there.
  CheckOut(fork.Run("pid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('child' if pid == 0 else 'parent')"),
           "child\nparent\n", "both ways out of a fork");
  CheckAnswers(fork);
  return "fork, Pool.map with 2 workers, Process, subprocess; the ring is not in them";
}

}  // namespace zb::test
