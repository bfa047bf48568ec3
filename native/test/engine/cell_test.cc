// One cell: what it prints, gives, raises and exits with.
#include "engine/cells.h"

namespace zb::test {

ENGINE_TEST(cell_outcomes) {
  Fork fork(context);
  const auto start = Clock::now();
  CellResult cell = fork.Run("print(1 + 1)");
  const double first = MillisecondsSince(start);
  CheckEqual(Summary(cell), "status 0 exit 0 flags 0 out '2\n' err '' result '' error ': '", "a printing cell");
  CheckEqual(cell.done.execution_count, 1u, "the first execution count");

  cell = fork.Run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n'val' 'ue'");
  CheckEqual(Summary(cell), "status 0 exit 0 flags 0 out 'out\n' err 'err\n' result ''value'' error ': '",
             "a cell with both streams and a result");
  CheckEqual(cell.done.execution_count, 2u, "the second execution count");

  cell = fork.Run("def f(x):\n    return 1 / x\nf(0)");
  CheckEqual(Summary(cell),
             "status 1 exit 1 flags 0 out '' err '' result '' error 'ZeroDivisionError: division by zero'",
             "a cell that raises");
  for (const char* part : {"<cell 3>", "line 2, in f", "return 1 / x", "line 3, in <module>"}) {
    Check(cell.error_traceback.find(part) != std::string::npos, "no '", part, "' in the traceback:\n",
          cell.error_traceback);
  }
  Check(cell.error_traceback.find("zeroboot") == std::string::npos, "the agent's own frames are in the traceback:\n",
        cell.error_traceback);

  cell = fork.Run("def broken(:\n");
  CheckEqual(int{cell.done.status}, int{ZB_DONE_ERROR}, "the status of a syntax error");
  CheckEqual(cell.error_name, "SyntaxError", "its name");
  return Text("first cell ", first, " ms");
}

ENGINE_TEST(cell_exit_codes) {
  Fork fork(context);
  struct Case {
    const char* code;
    int status;
    int exit_code;
    const char* err;
  };
  const Case cases[] = {
      {"import sys; sys.exit()", ZB_DONE_OK, 0, ""},
      {"sys.exit(0)", ZB_DONE_OK, 0, ""},
      {"sys.exit(3)", ZB_DONE_ERROR, 3, ""},
      {"sys.exit(256 + 7)", ZB_DONE_ERROR, 7, ""},
      {"sys.exit('so long')", ZB_DONE_ERROR, 1, "so long\n"},
      {"raise SystemExit(9)", ZB_DONE_ERROR, 9, ""},
      {"raise ValueError('v')", ZB_DONE_ERROR, 1, ""},
  };
  for (const Case& expected : cases) {
    const CellResult cell = fork.Run(expected.code);
    CheckEqual(int{cell.done.status}, expected.status, Text("the status of ", expected.code));
    CheckEqual(cell.done.exit_code, expected.exit_code, Text("the exit code of ", expected.code));
    CheckEqual(cell.err, expected.err, Text("the standard error of ", expected.code));
  }
  CheckAnswers(fork);
  return Text(std::size(cases), " ways to end a cell, and the VM answers after them");
}

ENGINE_TEST(cell_output_of_children) {
  Fork fork(context);
  const CellResult cell = fork.Run(
      "import os, subprocess\n"
      "print('one')\n"
      "os.write(1, b'two\\n')\n"
      "subprocess.run(['/bin/echo', 'three'], check=True)\n"
      "print('four')\n"
      "subprocess.run('echo five >&2; exit 6', shell=True).returncode\n");
  CheckEqual(cell.out, "one\ntwo\nthree\nfour\n", "output of Python, a descriptor and a child, in order");
  CheckEqual(cell.err, "five\n", "a child's standard error");
  CheckEqual(cell.result, "6", "a child's exit code");
  return "Python's, descriptor 1's and children's output, in order";
}

ENGINE_TEST(variables_stay_in_their_fork) {
  Fork a(context), b(context);
  RunOk(a, "x = 41\ndef twice(n):\n    return 2 * n");
  RunOk(a, "x += 1");
  CheckEqual(RunOk(a, "print(x, twice(x))"), "42 84\n", "variables in a later cell");
  const CellResult other = b.Run("x");
  CheckEqual(other.error_name, "NameError", "the other fork's error for the name");
  RunOk(a, "open('/tmp/mine', 'w').write('a')");
  CheckEqual(RunOk(b, "import os; print(os.path.exists('/tmp/mine'))"), "False\n", "a file of the other fork");
  Fork later(context);
  CheckEqual(later.Run("x").error_name, "NameError", "a later fork's error for the name");
  return "kept across three cells, unknown to two other forks";
}

}  // namespace zb::test
