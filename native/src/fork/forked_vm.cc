#include "fork/forked_vm.h"

#include <algorithm>
#include <chrono>

#include "fork/reaper.h"
#include "fork/rekey.h"
#include "fork/wall_clock.h"
#include "machine/long_mode.h"
#include "template/pages.h"

namespace zb {
namespace {

uint64_t MicrosecondsSince(std::chrono::steady_clock::time_point start) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start).count());
}

// What the host does for a fork's identity; the rest is for its agent.
uint8_t IdentityFlags(const KernelSymbols& symbols) {
  uint8_t flags = 0;
  if (CanRekey(symbols)) flags |= ZB_IDENTITY_REKEYED;
  if (CanSetWallClock(symbols)) flags |= ZB_IDENTITY_CLOCK_SET;
  return flags;
}

void GiveIdentity(Machine& machine, const KernelSymbols& symbols, std::chrono::nanoseconds clock_shift) {
  if (CanRekey(symbols)) RekeyGuestKernel(machine.memory(), symbols);
  if (CanSetWallClock(symbols)) {
    SetWallClock(machine.memory(), symbols, machine.vm().ReadClock(),
                 std::chrono::system_clock::now().time_since_epoch() + clock_shift);
  }
}

}  // namespace

std::atomic<int> ForkedVm::live_{0};
std::atomic<int> ForkedVm::reaping_{0};

ForkedVm::ForkedVm(std::shared_ptr<const Template> source, std::shared_ptr<VmEvents> events, Options options)
    : template_(std::move(source)),
      events_(std::move(events)),
      options_(options),
      runner_({.total_forks_gpa = template_->info().symbols.total_forks,
               .identity_flags = options.identity_by_host ? IdentityFlags(template_->info().symbols) : uint8_t{0},
               .stop_when_ready = false,
               .on_output = [this] { events_->OnOutput(); }}) {}

std::shared_ptr<ForkedVm> ForkedVm::Start(std::shared_ptr<const Template> source, std::shared_ptr<VmEvents> events,
                                          Options options) {
  std::shared_ptr<ForkedVm> vm(new ForkedVm(std::move(source), std::move(events), options));
  live_++;
  try {
    Reaper::Get().StartThread("zb-vcpu", [vm] { vm->ThreadMain(); });
  } catch (...) {
    live_--;
    throw;
  }
  return vm;
}

VmEnd ForkedVm::RunToEnd(std::unique_ptr<Machine>& machine) {
  const TemplateInfo& info = template_->info();
  ForkTimes times;
  auto start = std::chrono::steady_clock::now();
  machine = std::make_unique<Machine>(info.layout(), template_->ram_fd(), template_->root(), MemorySharing::kPrivate,
                                      nullptr, options_.create_vm);
  machine->SetConsoleListener(options_.on_console);
  times.create_us = MicrosecondsSince(start);

  // First of all, because what follows writes to pages of the working set: KVM to that of kvm-clock, the host to those
  // of the identity. A fault for each would cost more.
  start = std::chrono::steady_clock::now();
  if (options_.prefault) PrefaultForWrite(machine->memory().base(), template_->working_set());
  times.prefault_us = MicrosecondsSince(start);

  start = std::chrono::steady_clock::now();
  SetCpuid(machine->vcpu(), template_->cpuid());
  const std::span<const kvm_msr_entry> msrs =
      options_.all_msrs ? std::span<const kvm_msr_entry>(template_->vcpu().msrs) : template_->msrs_to_restore();
  const uint64_t tsc_offset = RestoreVcpuState(machine->vm(), machine->vcpu(), template_->vcpu(), msrs);
  machine->RestoreDevices(template_->devices());
  TickDeferral ticks(machine->vcpu(), tsc_offset, info.tsc_khz);
  if (options_.defer_ticks) {
    ticks.ArmFirst(template_->vcpu().tsc_deadline, template_->vcpu().tsc);
  } else {
    machine->vcpu().SetMsr(kMsrTscDeadline, template_->vcpu().tsc_deadline);
  }
  if (options_.identity_by_host) GiveIdentity(*machine, info.symbols, options_.clock_shift);
  times.create_us += MicrosecondsSince(start);
  {
    std::lock_guard lock(memory_mutex_);
    memory_ = &machine->memory();
  }
  events_->OnReady(times);

  const GuestRunner::Outcome outcome = runner_.Run(*machine, options_.defer_ticks ? &ticks : nullptr);
  if (outcome == GuestRunner::Outcome::kStopped)
    return {.reason = EndReason::kClosed, .detail = "closed", .console = ""};
  // What the machine itself says comes first: output drained after its end may be cut short.
  if (machine->end().detail.empty() && !machine->link().violation().empty()) {
    return {.reason = EndReason::kProtocolViolation, .detail = machine->link().violation(), .console = ""};
  }
  VmEnd end{.reason = machine->end().reason, .detail = machine->end().detail, .console = ""};
  // A runtime that leaves before it has taken its identity has refused it: it fails closed.
  if (end.reason == EndReason::kAgentExited && !machine->link().identified()) end.reason = EndReason::kIdentityRefused;
  return end;
}

void ForkedVm::ThreadMain() {
  std::unique_ptr<Machine> machine;
  VmEnd end;
  try {
    end = RunToEnd(machine);
  } catch (const std::exception& error) {
    // Not only ours: nothing may leave a thread, and a lack of memory ends this VM alone.
    bool made = false;
    {
      std::lock_guard lock(memory_mutex_);
      made = memory_ != nullptr;
    }
    end = {.reason = made ? EndReason::kKvmFailed : EndReason::kForkFailed, .detail = error.what(), .console = ""};
  }
  if (machine != nullptr) end.console = machine->console().Text();
  {
    std::lock_guard lock(memory_mutex_);
    memory_ = nullptr;
  }
  reaping_++;
  live_--;
  events_->OnEnd(end);
  machine.reset();
  reaping_--;
}

std::vector<PageRun> ForkedVm::PrivatePageRuns() {
  std::lock_guard lock(memory_mutex_);
  if (memory_ == nullptr) return {};
  return PrivatePages(memory_->base(), memory_->layout().total_bytes());
}

bool ForkedVm::MemoryContains(std::span<const uint8_t> needle) {
  std::lock_guard lock(memory_mutex_);
  if (memory_ == nullptr) return false;
  return std::ranges::any_of(memory_->Private(), [&needle](std::span<const uint8_t> range) {
    return std::search(range.begin(), range.end(), needle.begin(), needle.end()) != range.end();
  });
}

void ForkedVm::JoinReaped() { Reaper::Get().JoinAll(); }

}  // namespace zb
