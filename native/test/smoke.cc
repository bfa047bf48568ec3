// The engine without Node: boots a guest, forks it and runs cells, printing what happened and how long
// it took. Linked statically it needs nothing but a kernel with KVM under it.
//
//   smoke KERNEL ROOT_IMAGE [--symbol NAME=GPA ...] [--memory MB] [--save FILE | --load FILE] [--console] [CELL ...]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fork/conversation.h"
#include "hosts/host.h"
#include "symbols.h"
#include "template/boot.h"
#include "template/snapshot_file.h"

namespace {

using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void RunCells(zb::Conversation& conversation, const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) {
    const auto start = Clock::now();
    const zb::CellResult result = conversation.Run(cell);
    std::printf("cell %.3f ms status=%d exit=%d out=%s err=%s result=%s error=%s: %s\n%s\n", MillisecondsSince(start),
                result.done.status, result.done.exit_code, result.out.c_str(), result.err.c_str(),
                result.result.c_str(), result.error_name.c_str(), result.error_message.c_str(),
                result.error_traceback.c_str());
  }
}

int Usage() {
  std::fprintf(stderr, "usage: smoke KERNEL ROOT_IMAGE [options] [CELL ...]\n");
  return 2;
}

int Main(int argc, char** argv) {
  zb::BootOptions options;
  std::vector<std::string> cells, positional;
  std::string save_path, load_path;
  for (int i = 1; i < argc; i++) {
    const std::string argument = argv[i];
    const auto value = [&] { return std::string(i + 1 < argc ? argv[++i] : ""); };
    if (argument == "--symbol") {
      if (!zb::test::AddSymbol(options.symbols, value())) return Usage();
    } else if (argument == "--memory") {
      options.memory_mb = std::stoull(value());
    } else if (argument == "--console") {
      options.on_console = [](const std::string& line) { std::fputs(line.c_str(), stderr); };
    } else if (argument == "--append") {
      options.extra_command_line = value();
    } else if (argument == "--save") {
      save_path = value();
    } else if (argument == "--load") {
      load_path = value();
    } else if (argument == "--timeout") {
      options.timeout = std::chrono::seconds(std::stoul(value()));
    } else if (positional.size() < 2) {
      positional.push_back(argument);
    } else {
      cells.push_back(argument);
    }
  }
  if (positional.size() != 2) return Usage();
  options.kernel_path = positional[0];
  options.root_image_path = positional[1];
  options.warmup_cells = {"print(1+1)", "1+1", "1/0"};
  std::printf("host: %s\n", zb::Host::Current().Description().c_str());

  auto start = Clock::now();
  zb::BootControl control;
  const auto booted =
      load_path.empty() ? zb::BootTemplate(options, control) : zb::LoadSnapshot(load_path, options.root_image_path);
  std::printf("template: %s, %.0f ms, %lu pages, working set %lu pages in %zu runs\n", booted->info().runtime.c_str(),
              MillisecondsSince(start), static_cast<unsigned long>(booted->info().stored_pages),
              static_cast<unsigned long>(booted->info().working_set_pages), booted->working_set().size());
  if (!save_path.empty()) zb::SaveSnapshot(*booted, save_path);
  for (int round = 0; round < 5; round++) {
    start = Clock::now();
    zb::Conversation conversation(booted);
    const double forked = MillisecondsSince(start);
    conversation.WaitForIdentity();
    const double identified = MillisecondsSince(start);
    std::printf("fork %.3f ms (create %lu us, prefault %lu us), identity at %.3f ms\n", forked,
                static_cast<unsigned long>(conversation.times().create_us),
                static_cast<unsigned long>(conversation.times().prefault_us), identified);
    RunCells(conversation, {"print(1+1)", "print(1+1)", "print(1+1)"});
    if (round == 0) RunCells(conversation, cells);
  }
  zb::ForkedVm::JoinReaped();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(argc, argv);
  } catch (const zb::EngineError& error) {
    std::fprintf(stderr, "%s: %s\n%s\n", zb::ErrorCodeName(error.code()), error.what(), error.console().c_str());
    return 1;
  }
}
