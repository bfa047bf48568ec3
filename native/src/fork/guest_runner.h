// Runs one machine on the calling thread and connects it to the rest of the process.
//
// The vCPU thread calls Run(); everybody else calls the rest. One mutex guards what both see: the two
// queues and the requests. Guest memory and KVM state belong to the vCPU thread alone.
//
//          RX, nothing to hand over            input, stop
//   running ------------------------> parked ---------------> running
//   running --- RX while other guest threads live ---> waiting (still in KVM_RUN; input kicks and wakes COM2)
//   running --- standard input unasked for 10 ms ---> running, COM2 raised; the agent reads RX_TAKE until it is empty
//   running --- TX_SPACE, queue full ---> blocked ----------> running   (somebody reads, or output is discarded)
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "devices/link_queues.h"
#include "fork/tick_deferral.h"
#include "fork/time_slice.h"
#include "hosts/host.h"
#include "kvm/kick.h"
#include "machine/machine.h"

namespace zb {

class GuestRunner {
 public:
  struct Options {
    // Guest-physical address of the kernel's total_forks: how many processes and threads it has ever started, its
    // own among them. 0: unknown.
    uint64_t total_forks_gpa = 0;
    // Or-ed into the IDENTITY record: what the host has done for the fork already.
    uint8_t identity_flags = 0;
    // Return from Run() when the agent is ready and idle, instead of parking: a template that boots.
    bool stop_when_ready = false;
    // The queue of output went from empty to not: called on the vCPU thread without the lock.
    std::function<void()> on_output;
  };
  enum class Outcome { kStopped, kEnded, kReady };

  explicit GuestRunner(Options options) : options_(std::move(options)) {}

  // ---- vCPU thread ----
  // `ticks` may be null: no deferral (a template that boots). Throws EngineError (kKvmFailed).
  Outcome Run(Machine& machine, TickDeferral* ticks);

  // ---- any thread ----
  // Throws kQueueFull.
  void Send(uint8_t kind, uint8_t flags, uint16_t execution, std::span<const uint8_t> payload);
  // Whole records, at most `max_bytes` but at least one; nothing when there are none.
  std::optional<std::vector<uint8_t>> Read(size_t max_bytes);
  // Ctrl-C if `execution` runs; `again`: the newest one once more, unless the agent has seen it. Returns whether
  // the execution runs, as far as the engine knows.
  bool Interrupt(uint16_t execution, bool again = false);
  // Has the agent kill every other process if `execution` runs. Returns as Interrupt.
  bool KillChildren(uint16_t execution);
  void DiscardOutput();
  // Bytes for the guest's terminal on COM1, delivered as its UART takes them.
  void TypeOnConsole(std::span<const uint8_t> bytes);
  void Stop();

  bool parked() const { return parked_.load(std::memory_order_relaxed); }
  uint64_t bytes_in() const { return bytes_in_.load(std::memory_order_relaxed); }
  uint64_t bytes_out() const { return bytes_out_.load(std::memory_order_relaxed); }
  // VM exits so far.
  const ExitCounts& exit_counts() const { return exits_; }
  uint64_t exits() const { return exits_.Total(); }
  // How often the vCPU thread woke from a park.
  uint64_t wakeups() const { return wakeups_.load(std::memory_order_relaxed); }

 private:
  using Lock = std::unique_lock<std::mutex>;

  Outcome Loop(Machine& machine, TickDeferral* ticks);
  // Each returns whether to go on running; false: stop, end or (boot) ready.
  bool HandleRx(Machine& machine, TickDeferral* ticks, bool input);
  void HandleRxTake(Machine& machine);
  bool HandleTxSpace(Machine& machine);
  bool HandleDoorbell(Machine& machine);
  void HandleTimer(Machine& machine);
  void DrainLast(Machine& machine);
  // Moves output to the queue; false after a protocol violation.
  bool Drain(Machine& machine, Lock& lock);
  void DeliverRequests(Machine& machine, Lock& lock);
  // Standard input that nobody asks for: a child may be reading it. After a moment the agent is told.
  void OfferInput(Machine& machine);
  void WithdrawOffer();
  // total_forks, where its place is known.
  std::optional<uint64_t> ForksEver(Machine& machine) const;
  // Whether the agent has just looked, at our word, and found nothing in its guest but itself. It may be wrong, to its
  // own guest's harm.
  bool TakeFoundAlone(Machine& machine);
  // Whether the guest must go on because something but its agent could want to run in it.
  bool OthersMayRun(Machine& machine, bool found_alone) const;
  // Has an agent that waits for others look again whether there still are any.
  void LookForIdleGuest(Machine& machine);
  void ArmDrain(Machine& machine);
  // One stay in RX.
  struct Park {
    bool tick_known = false;                                       // TickDeferral::Park() was called
    std::optional<std::chrono::steady_clock::time_point> tick_at;  // when to disarm it; none: disarmed, or none armed
    std::chrono::steady_clock::time_point since;
    bool tick_forced = false;
  };
  void WaitParked(Lock& lock, TickDeferral* ticks, Park& park);
  // Sends what was asked for to the guest's terminal. The ring has just been drained, so that a cell that has
  // published its DONE gets none. Returns whether a byte was sent.
  bool DeliverSignals(Machine& machine);
  // Wakes the vCPU thread, wherever it is. Under the lock.
  void Nudge();

  const Options options_;

  std::mutex mutex_;
  std::condition_variable wake_;
  InputQueue input_;
  OutputQueue output_;
  bool stop_ = false;
  bool discard_ = false;
  bool output_announced_ = false;
  bool backlog_ = false;    // the ring holds records the output queue had no room for
  bool waiting_ = false;    // RX was answered WAIT and COM2 not yet raised
  uint16_t interrupt_ = 0;  // the execution to be interrupted, or 0
  bool interrupt_again_ = false;
  uint16_t kill_ = 0;  // the execution whose children are to be killed, or 0
  std::deque<uint8_t> typed_;
  uint16_t running_ = 0;  // as link().running(), for other threads
  pid_t thread_ = 0;      // the vCPU thread while it may be in the guest: kick to reach it; else 0
  pid_t thread_id_ = 0;   // the vCPU thread, set once Run() is entered

  // total_forks when nothing but the agent was there to run. As long as it stays, nothing else is. Without
  // value: unknown. A count of what there is would not do: the kernel starts and ends threads of its own.
  std::optional<uint64_t> forks_when_alone_;

  std::atomic<bool> parked_{false};
  std::atomic<uint64_t> bytes_in_{0}, bytes_out_{0}, wakeups_{0};
  ExitCounts exits_;
  TimeSlice slice_{Host::Current().BusyTimeSlice()};
  // Drains the ring while output may come; looks for an idle guest while the agent waits.
  std::optional<KickTimer> timer_;
  uint64_t look_interval_ns_ = 0;  // grows while the same cell's others live
  // When standard input will have waited long enough for the agent to be told; its timer is made when first needed.
  std::optional<std::chrono::steady_clock::time_point> offer_at_;
  std::optional<KickTimer> offer_timer_;
  bool offered_ = false;  // the agent has been told, and takes until there is nothing more
};

}  // namespace zb
