// Memory that a fork has not touched yet, and a guest that runs out of it: the cell hears of that, then a child goes,
// and only then the VM, by its name.
#include "engine/cells.h"

namespace zb::test {
namespace {

// Without the limit the agent gives itself, and its children.
constexpr const char* kUnlimited = "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))\n";

// Takes all but so much of what cells may have, in huge pages: what then runs out does so in seconds, also where
// each of a guest's page faults takes milliseconds.
void LeaveMebibytes(Conversation& fork, int mebibytes) {
  RunOk(fork, Text(R"(
import numpy, resource
def field(path, name):
    with open(path) as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))
limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
room = field('/proc/meminfo', 'MemAvailable:')
if limit != resource.RLIM_INFINITY:
    room = min(room, limit - field('/proc/self/status', 'VmData:'))
taken = numpy.ones(room - ()",
                   mebibytes, " << 20), numpy.uint8)"));
}

// The last page that the fork has of its own.
uint64_t LastPrivatePage(Fork& fork) {
  const std::vector<PageRun> runs = fork.vm().PrivatePageRuns();
  return runs.empty() ? 0 : runs.back().first + runs.back().count - 1;
}

}  // namespace

ENGINE_TEST(memory_beyond_the_first_memslot) {
  const MemoryLayout layout = context.source->info().layout();
  const uint64_t covered = layout.covered_bytes();
  Check(covered < layout.total_bytes(), "the first memslot has all ", layout.total_bytes() / kMiB, " MiB");
  Fork fork(context);
  RunOk(fork, "import hashlib, numpy");
  Check(LastPrivatePage(fork) < covered / kPageBytes, "a small cell took page ", LastPrivatePage(fork));
  // A pattern in most of what there is: every page of it is another.
  const std::string wrong = RunOk(fork, R"(
with open('/proc/meminfo') as lines:
    available = next(int(line.split()[1]) << 10 for line in lines if line.startswith('MemAvailable:'))
count = available * 3 // 4 // 8
kept = numpy.arange(count)
print(int(kept.sum()) - count * (count - 1) // 2, int(kept[-1]) - count + 1))");
  CheckEqual(wrong, "0 0\n", "what is wrong with the numbers");
  const uint64_t last = LastPrivatePage(fork);
  Check(last > covered / kPageBytes, "the last page of most of memory is ", last);
  // What a program sees as its own is nobody else's.
  Fork other(context);
  CheckEqual(RunOk(other, "print(6 * 7)"), "42\n", "another fork's cell");
  return Text("pages up to ", last, " of ", layout.total_bytes() / kPageBytes, ", the first memslot has ",
              covered / kPageBytes);
}

// The guest's root may look at memory that no memslot has yet: by a byte, and by what comes out as two accesses.
ENGINE_TEST(memory_read_before_it_is_covered) {
  const MemoryLayout layout = context.source->info().layout();
  const std::string map =
      Text("import ctypes, mmap, os\nfd = os.open('/dev/mem', os.O_RDWR)\nview = mmap.mmap(fd, 8192, offset=",
           layout.total_bytes() - 2 * kPageBytes, ")\n");
  Fork reads(context);
  RunOk(reads, map);
  CheckEqual(RunOk(reads, "print(view[5], bytes(view).count(0))"), "0 8192\n", "the last pages of RAM");
  Fork crosses(context);
  RunOk(crosses, map);
  CheckEqual(RunOk(crosses,
                   "number = ctypes.c_uint64.from_buffer(view, 4092)\n"
                   "print(number.value)\nnumber.value = 0x1122334455667788\nprint(hex(number.value))"),
             "0\n0x1122334455667788\n", "a number across the border of two pages");
  Fork writes(context);
  RunOk(writes, map);
  CheckEqual(RunOk(writes,
                   "view[0] = 7\nfirst = view[0]\nview[:] = bytes(range(256)) * 32\n"
                   "print(first, view[:] == bytes(range(256)) * 32)"),
             "7 True\n", "what was written to the last pages of RAM");
  CheckEqual(RunOk(reads, "print(bytes(view).count(0))"), "8192\n", "the last pages of RAM in the other fork");
  return "the last pages of RAM are zeroes, and keep what is written to them";
}

ENGINE_TEST(memory_error_keeps_the_session) {
  Fork fork(context);
  RunOk(fork, "kept = 41\nimport os, threading");
  LeaveMebibytes(fork, 12);
  const std::string before = RunOk(fork, "import resource\nprint(resource.getrlimit(resource.RLIMIT_DATA)[0])");
  for (const char* hog : {"hog = []\nwhile True: hog.append(bytearray(1 << 20))", "hog = list(range(1 << 40))",
                          "hog = []\nwhile True: hog.append(bytes(400))", "hog = [0]\nwhile True: hog += hog"}) {
    const CellResult cell = fork.Run(hog);
    CheckEqual(cell.error_name, "MemoryError", Text("the error of ", hog, ": ", Summary(cell)));
    // With everything still held: small cells work.
    CheckEqual(RunOk(fork, "print(kept + 1)"), "42\n", Text("the cell after ", hog));
    CheckEqual(fork.Run("spare = bytearray(64 << 20)").error_name, "MemoryError", "another demand");
    RunOk(fork, "hog = None");
    CheckEqual(RunOk(fork, "print(len(bytearray(4 << 20)))"), "4194304\n", Text("4 MiB after ", hog));
  }
  CheckEqual(RunOk(fork, "import resource\nprint(resource.getrlimit(resource.RLIMIT_DATA)[0])"), before,
             "the limit after all that");
  // Stacks that nobody touches do not use it up.
  RunOk(fork, R"(
taken = None
go = threading.Event()
threads = [threading.Thread(target=go.wait) for _ in range(30)]
for thread in threads: thread.start()
go.set()
for thread in threads: thread.join())");
  CheckEqual(RunOk(fork, "print(resource.getrlimit(resource.RLIMIT_STACK)[0] >> 20, len(os.urandom(100)))"), "8 100\n",
             "the main thread's stack limit in MiB, and random bytes");
  return "MemoryError four ways, the next cell works each time; limit " + before.substr(0, before.size() - 1) +
         " bytes";
}

ENGINE_TEST(memory_child_is_killed_first) {
  Fork fork(context);
  RunOk(fork, "kept = 41\nimport subprocess, sys");
  // Most of it in huge pages here too: the kernel ends the process that has the most, so the child takes them.
  const std::string out = RunOk(fork, Text("hog = '''", kUnlimited, R"(
import mmap
with open('/proc/meminfo') as lines:
    available = next(int(line.split()[1]) << 10 for line in lines if line.startswith('MemAvailable:'))
taken = mmap.mmap(-1, available - (12 << 20) & -mmap.PAGESIZE, flags=mmap.MAP_PRIVATE)
taken.madvise(mmap.MADV_HUGEPAGE)
taken[::mmap.PAGESIZE] = b'x' * (len(taken) // mmap.PAGESIZE)
hog = []
while True: hog.append(bytearray(1 << 20))'''
print(subprocess.run([sys.executable, '-c', hog]).returncode))"));
  CheckEqual(out, "-9\n", "the exit code of a child that takes all memory");
  CheckEqual(RunOk(fork, "print(kept + 1)"), "42\n", "the agent after it");
  return "a child that took all memory was killed; the agent lives";
}

ENGINE_TEST(memory_end_has_a_name) {
  std::string details;
  for (const char* hog : {"hog = []\nwhile True: hog.append(bytearray(b'x' * (1 << 20)))",
                          // Files in memory belong to nobody the kernel could end.
                          "import itertools\nfor directory in itertools.cycle(['/tmp', '/dev/shm', '/run', '/root']):\n"
                          "    try:\n"
                          "        with open(directory + '/hog', 'ab') as file: file.write(bytes(1 << 20))\n"
                          "    except OSError: pass"}) {
    Fork fork(context);
    RunOk(fork, kUnlimited);
    LeaveMebibytes(fork, 12);
    fork.Start(hog);
    const VmEnd end = fork.WaitForEnd();
    CheckEqual(EndReasonName(end.reason), std::string("out_of_memory"),
               Text("the reason of the end (", end.detail, "), console:\n", end.console));
    details = end.detail;
  }
  Fork fork(context);
  fork.Start("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)");
  CheckEqual(EndReasonName(fork.WaitForEnd().reason), std::string("agent_exited"), "the reason of another's SIGKILL");
  return details + ", twice; agent_exited for another SIGKILL";
}

}  // namespace zb::test
