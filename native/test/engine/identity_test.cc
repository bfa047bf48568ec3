// Forks of one template are not each other: nothing that should be one machine's own is the same in two of them.
#include <set>

#include "engine/cells.h"
#include "fork/wall_clock.h"

namespace zb::test {

ENGINE_TEST(identity_values_differ) {
  constexpr int kForks = 20;
  // RNDRESEEDCRNG (_IO('R', 7)) makes the kernel take a new key from its pool, as it does by itself in time: a fork
  // with a key of its own and the template's pool would become like its siblings then.
  const std::string code = R"(
import os, random, uuid, numpy, secrets, ssl, fcntl, tempfile
def line(*path): print(path[-1], open('/'.join(path)).read().strip())
line('/proc/sys/kernel/random', 'boot_id')
line('/etc', 'machine-id')
print('getnode', uuid.getnode())
def values(when):
    print('os.urandom', when, os.urandom(16).hex())
    print('random.random', when, random.random())
    print('random.Random', when, random.Random().random())
    print('uuid4', when, uuid.uuid4())
    print('uuid1', when, uuid.uuid1().node)
    print('token_hex', when, secrets.token_hex(16))
    print('numpy.rand', when, numpy.random.rand())
    print('default_rng', when, numpy.random.default_rng().random())
    print('RAND_bytes', when, ssl.RAND_bytes(16).hex())
    print('/dev/urandom', when, open('/dev/urandom', 'rb').read(16).hex())
    print('mktemp', when, tempfile.mktemp())
    line('/proc/sys/kernel/random', 'uuid')
values('first')
with open('/dev/urandom', 'wb') as device: fcntl.ioctl(device, 0x5207)
values('reseeded')
)";
  std::vector<std::set<std::string>> seen;
  for (int i = 0; i < kForks; i++) {
    Fork fork(context);
    const std::vector<std::string> values = Lines(RunOk(fork, code));
    CheckEqual(values.size(), size_t{27}, "the number of values");
    seen.resize(values.size());
    for (size_t k = 0; k < values.size(); k++) Check(seen[k].insert(values[k]).second, values[k], " in two forks");
  }
  Fork fork(context);
  CheckEqual(RunOk(fork, "import re\nprint(bool(re.fullmatch('[0-9a-f]{32}\\n', open('/etc/machine-id').read())))"),
             "True\n", "whether the machine id is one");
  return Text(kForks, " forks: ", seen.size(), " values each, all different");
}

// Every clock of a fork, read through the vDSO and by system calls, and the time a timer for a time of day takes.
// `later` the kernel has gone through its timekeeping once. The first timer is set before a fork's first tick.
constexpr const char* kClocks = R"(
import ctypes, os, tempfile, time
libc = ctypes.CDLL(None)
class timespec(ctypes.Structure): _fields_ = [('seconds', ctypes.c_long), ('nanoseconds', ctypes.c_long)]
def by_kernel(clock):
    now = timespec()
    assert libc.syscall(228, clock, ctypes.byref(now)) == 0
    return now.seconds + now.nanoseconds / 1e9
def apart(name, a, b): print(name, f'{abs(a - b) * 1000:.3f}')
def clocks(after):
    for name in 'REALTIME', 'TAI', 'MONOTONIC', 'BOOTTIME':
        clock = getattr(time, 'CLOCK_' + name)
        apart(f'{name} {after}', time.clock_gettime(clock), by_kernel(clock))
    apart(f'TAI by itself {after}', time.clock_gettime(time.CLOCK_TAI), time.time())
    for coarse in time.clock_gettime(5), by_kernel(5): apart(f'REALTIME_COARSE {after}', coarse, time.time())
    with tempfile.NamedTemporaryFile() as file: apart(f'a file {after}', os.stat(file.name).st_mtime, time.time())
def timer():
    begin, at = time.monotonic(), time.time() + 0.05
    until = timespec(int(at), int(at % 1 * 1e9))
    assert libc.clock_nanosleep(0, 1, ctypes.byref(until), None) == 0
    print('a timer', f'{abs(time.monotonic() - begin - 0.05) * 1000:.3f}')
timer()
clocks('at once')
clocks('later')
timer()
)";

// A template as old as you like: what a fork gets is the host's time, however far that is from its own. The host's
// clock cannot be moved for a test, so it is told to be 30 hours ahead: for the fork the same as a template that old.
ENGINE_TEST(identity_clock_of_an_old_template) {
  double worst = 0;
  for (const bool by_host : {true, false}) {
    // The agent's system calls take their time where a guest's kernel is emulated.
    const double tolerance = by_host ? context.AtMost(50, 1000) : context.AtMost(500, 5000);
    for (const std::chrono::hours shift : {std::chrono::hours(30), std::chrono::hours(-30)}) {
      Conversation fork(context.source, {.identity_by_host = by_host, .clock_shift = shift}, kPatience);
      fork.WaitForIdentity();
      const auto host = [shift] {
        const auto now = std::chrono::system_clock::now().time_since_epoch() + shift;
        return std::chrono::duration<double, std::milli>(now).count();
      };
      const double before = host();
      const double guest = RunNumber(fork, "import time\nprint(f'{time.time() * 1000:.3f}')");
      const double after = host();
      const double wrong = guest < before ? before - guest : guest > after ? guest - after : 0;
      Check(wrong <= tolerance, "the clock of a fork ", shift.count(), " h from its template is wrong by ", wrong,
            " ms");
      worst = std::max(worst, wrong);
      // Its timers did not take the step for time passed.
      const double slept =
          RunNumber(fork, "begin = time.monotonic()\ntime.sleep(0.05)\nprint((time.monotonic() - begin) * 1000)");
      Check(slept >= 50 && slept <= 1000, "time.sleep(0.05) took ", slept, " ms");
    }
  }
  return Text("30 hours either way, set by host and agent: wrong by at most ", worst, " ms");
}

ENGINE_TEST(identity_clocks_agree) {
  CheckEqual(CanSetWallClock(context.source->info().symbols), true, "whether the host knows the kernel's timekeeping");
  // Between two of them this process may have to wait for its processor.
  const double tolerance = context.AtMost(500, 5000);
  std::string worst;
  double most = 0;
  for (const bool by_host : {true, false}) {
    for (const std::chrono::hours shift : {std::chrono::hours(30), std::chrono::hours(-30)}) {
      Conversation fork(context.source, {.identity_by_host = by_host, .clock_shift = shift}, kPatience);
      for (const std::string& line : Lines(RunOk(fork, kClocks))) {
        const double apart = std::stod(line.substr(line.rfind(' ')));
        Check(apart <= tolerance, by_host ? "set by the host" : "set by the agent", ", apart in ms: ", line);
        if (apart > most) {
          most = apart;
          worst = line;
        }
      }
    }
  }
  return Text("apart the most, in ms: ", worst, " (allowed: ", tolerance, ")");
}

}  // namespace zb::test
