// One forked VM: its vCPU thread makes the fork, runs it and takes it apart again.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "fork/fork_ledger.h"
#include "fork/guest_runner.h"
#include "template/template.h"

namespace zb {

struct ForkTimes {
  uint64_t create_us = 0;    // KVM objects, memory, state: everything but the prefault
  uint64_t prefault_us = 0;  // the working set, faulted in for write
};

// How a VM ended. Guest text in `console` is hostile.
struct VmEnd {
  EndReason reason = EndReason::kClosed;
  std::string detail;
  std::string console;
};

// Called on the VM's own thread; must not block and must not destroy the VM.
class VmEvents {
 public:
  virtual ~VmEvents() = default;
  virtual void OnReady(const ForkTimes& times) = 0;
  virtual void OnOutput() = 0;
  // Once, and last. The kernel's resources are released after it.
  virtual void OnEnd(const VmEnd& end) = 0;
};

// Thread-safe. Shared by its owner and its own thread, so that closing never waits for the guest.
class ForkedVm {
 public:
  struct Options {
    // Fault the working set in before the first entry; the bench turns it off to measure it.
    bool prefault = true;
    // The recipe the bench compares with: another way to make the VM, the template's tick as it was, and every MSR
    // written, also those a vCPU begins with.
    Machine::VmFactory create_vm = Machine::CreateVm;
    bool defer_ticks = true;
    bool all_msrs = false;
    // The host does of its identity what it can, as far as it knows the kernel; off: the agent all of it.
    bool identity_by_host = true;
    // For tests: how far the fork's time of day is to be from the host's.
    std::chrono::nanoseconds clock_shift{0};
    // What the guest prints on COM1, on the vCPU thread.
    std::function<void(uint8_t)> on_console = {};
  };

  // Starts the vCPU thread and returns. Throws kForkFailed when there is no thread to be had.
  static std::shared_ptr<ForkedVm> Start(std::shared_ptr<const Template> source, std::shared_ptr<VmEvents> events,
                                         Options options);
  static std::shared_ptr<ForkedVm> Start(std::shared_ptr<const Template> source, std::shared_ptr<VmEvents> events) {
    return Start(std::move(source), std::move(events), Options{});
  }

  GuestRunner& runner() { return runner_; }
  // Ends the VM; returns at once.
  void Close() { runner_.Stop(); }
  // Private pages of guest memory; empty before the fork is made and after its end.
  std::vector<PageRun> PrivatePageRuns();
  // For tests that look for a secret: whether `needle` occurs in any page of this VM's RAM. The VM must be parked.
  bool MemoryContains(std::span<const uint8_t> needle);

  // VMs being made or alive, and ended ones whose resources are not yet released.
  static int live() { return live_.load(); }
  static int reaping() { return reaping_.load(); }
  // Waits until every ended VM has released everything; closing them is the caller's part.
  static void JoinReaped();

 private:
  ForkedVm(std::shared_ptr<const Template> source, std::shared_ptr<VmEvents> events, Options options);
  void ThreadMain();
  VmEnd RunToEnd(std::unique_ptr<Machine>& machine);

  static std::atomic<int> live_, reaping_;

  const std::shared_ptr<const Template> template_;
  const std::shared_ptr<VmEvents> events_;
  const Options options_;
  GuestRunner runner_;
  const ForkLedgerEntry in_ledger_{runner_};
  std::mutex memory_mutex_;  // guards memory_, which other threads only look at
  const GuestMemory* memory_ = nullptr;
};

}  // namespace zb
