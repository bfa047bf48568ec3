// The engine on real virtual machines, without Node. Prints one line per test with what it measured.
//
//   engine-tests KERNEL ROOT_IMAGE [--symbol NAME=GPA ...] [--memory MB]
//                [--snapshot FILE] [--only NAME] [--list]
//
// With --snapshot the template is loaded from FILE, or booted and kept there if there is none. --only runs the
// tests whose names contain NAME.
#include <cpuid.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "engine/harness.h"
#include "fork/forked_vm.h"
#include "hosts/host.h"
#include "symbols.h"
#include "template/snapshot_file.h"

namespace zb::test {
namespace {

struct Arguments {
  BootOptions boot;
  std::string snapshot;
  std::string only;
  bool list = false;
};

constexpr const char* kUsage =
    "usage: engine-tests KERNEL ROOT_IMAGE [--symbol NAME=GPA ...] [--memory MB]\n"
    "                    [--snapshot FILE] [--only NAME] [--list]\n";

std::optional<Arguments> Parse(int argc, char** argv) {
  Arguments arguments;
  std::vector<std::string> positional;
  for (int i = 1; i < argc; i++) {
    const std::string argument = argv[i];
    if (argument == "--list") {
      arguments.list = true;
      continue;
    }
    if (argument.rfind("--", 0) != 0) {
      positional.push_back(argument);
      continue;
    }
    if (++i == argc) return std::nullopt;
    const std::string value = argv[i];
    if (argument == "--symbol") {
      if (!AddSymbol(arguments.boot.symbols, value)) return std::nullopt;
    } else if (argument == "--memory") {
      arguments.boot.memory_mb = std::stoull(value, nullptr, 0);
    } else if (argument == "--snapshot") {
      arguments.snapshot = value;
    } else if (argument == "--only") {
      arguments.only = value;
    } else {
      return std::nullopt;
    }
  }
  if (arguments.list) return arguments;
  if (positional.size() != 2) return std::nullopt;
  arguments.boot.kernel_path = positional[0];
  arguments.boot.root_image_path = positional[1];
  arguments.boot.warmup_cells = {"print(1+1)", "1+1", "1/0"};
  return arguments;
}

// The hypervisor under this machine, if any, is QEMU's interpreter (leaf 0x40000000, its signature).
bool RunsInEmulator() {
  uint32_t a = 0;
  char signature[13] = {};
  uint32_t words[3] = {};
  __cpuid(0x40000000, a, words[0], words[1], words[2]);
  std::memcpy(signature, words, sizeof(words));
  return std::strcmp(signature, "TCGTCGTCGTCG") == 0;
}

void MakeTemplate(Context& context, const std::string& snapshot) {
  const auto start = Clock::now();
  if (!snapshot.empty() && ::access(snapshot.c_str(), F_OK) == 0) {
    context.source = LoadSnapshot(snapshot, context.options.root_image_path);
  } else {
    BootControl control;
    context.source = BootTemplate(context.options, control);
    context.booted = true;
  }
  context.made_ms = MillisecondsSince(start);
  if (context.booted && !snapshot.empty()) SaveSnapshot(*context.source, snapshot);
}

bool RunOne(const Test& test, Context& context) {
  const auto start = Clock::now();
  std::string line;
  bool passed = true;
  try {
    line = test.body(context);
  } catch (const EngineError& error) {
    passed = false;
    line = Text(ErrorCodeName(error.code()), ": ", error.what(), "\n", error.console());
  } catch (const std::exception& error) {
    passed = false;
    line = error.what();
  }
  ForkedVm::JoinReaped();
  std::printf("%s %-28s %7.1f s  %s\n", passed ? "ok  " : "FAIL", test.name, MillisecondsSince(start) / 1000,
              line.c_str());
  std::fflush(stdout);
  return passed;
}

int Main(int argc, char** argv) {
  const std::optional<Arguments> arguments = Parse(argc, argv);
  if (!arguments) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  // Registration follows the link order; names are the order people can predict.
  std::vector<Test> tests = AllTests();
  std::sort(tests.begin(), tests.end(), [](const Test& a, const Test& b) { return std::strcmp(a.name, b.name) < 0; });
  if (arguments->list) {
    for (const Test& test : tests) std::printf("%s\n", test.name);
    return 0;
  }
  // One arena: the tests count mappings, and glibc makes arenas when threads happen to allocate at one time.
  ::mallopt(M_ARENA_MAX, 1);
  Context context{.source = nullptr, .options = arguments->boot};
  context.emulated = RunsInEmulator();
  std::printf("host: %s%s\n", Host::Current().Description().c_str(),
              context.emulated ? ", emulated: upper bounds of durations are wide" : "");
  MakeTemplate(context, arguments->snapshot);
  int passed = 0, failed = 0;
  for (const Test& test : tests) {
    if (std::string(test.name).find(arguments->only) == std::string::npos) continue;
    (RunOne(test, context) ? passed : failed)++;
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace zb::test

int main(int argc, char** argv) {
  try {
    return zb::test::Main(argc, argv);
  } catch (const zb::EngineError& error) {
    std::printf("%s: %s\n%s\n0 passed, 1 failed\n", zb::ErrorCodeName(error.code()), error.what(),
                error.console().c_str());
    return 1;
  } catch (const std::exception& error) {
    std::printf("%s\n0 passed, 1 failed\n", error.what());
    return 1;
  }
}
