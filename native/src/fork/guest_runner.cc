#include "fork/guest_runner.h"

#include <algorithm>

namespace zb {
namespace {

// How long output of a running cell may wait in the ring: short for a reader, long enough that a cell
// which prints in a loop makes one VM exit per interval and not one per line.
constexpr uint64_t kDrainIntervalNs = 3'000'000;
// While the agent waits in the guest for others that may want to run, nobody tells when the last one has ended:
// it is made to look, soon after a cell and then more rarely.
constexpr uint64_t kFirstLookNs = 20'000'000;
constexpr uint64_t kMaxLookNs = 1'000'000'000;
// How long standard input waits for the agent to ask for it, as it does for input(), before the agent is told that
// it is there for the cell's children.
constexpr std::chrono::milliseconds kInputPatience{10};
constexpr uint8_t kCtrlC = 0x03;
constexpr uint8_t kCtrlZ = 0x1a;

}  // namespace

void GuestRunner::Send(uint8_t kind, uint8_t flags, uint16_t execution, std::span<const uint8_t> payload) {
  if (kind == ZB_HOST_IDENTITY) flags |= options_.identity_flags;
  {
    std::lock_guard lock(mutex_);
    if (!input_.Push(kind, flags, execution, payload)) {
      throw EngineError(ErrorCode::kQueueFull, "the VM's input queue is full");
    }
    bytes_in_.fetch_add(payload.size(), std::memory_order_relaxed);
    // Else the vCPU thread finds it when the agent asks.
    const bool unasked = kind == ZB_HOST_STDIN && execution == running_ && !offered_ && !offer_at_;
    if (thread_ != 0 && (waiting_ || unasked)) Kick(thread_);
  }
  // Without the lock: woken on this processor, the vCPU thread would take it at once, and wait for us.
  wake_.notify_one();
}

std::optional<std::vector<uint8_t>> GuestRunner::Read(size_t max_bytes) {
  std::lock_guard lock(mutex_);
  if (output_.empty()) return std::nullopt;
  std::vector<uint8_t> records = output_.Take(max_bytes);
  if (output_.empty()) output_announced_ = false;
  // What waited in the ring for room moves up, also while the guest computes.
  if (backlog_) {
    if (thread_ != 0) Kick(thread_);
    wake_.notify_one();
  }
  return records;
}

void GuestRunner::Nudge() {
  if (thread_ != 0) Kick(thread_);
  wake_.notify_one();
}

bool GuestRunner::Interrupt(uint16_t execution, bool again) {
  std::lock_guard lock(mutex_);
  if (execution == 0 || running_ != execution) return false;
  // A new one that has not been delivered stays one.
  interrupt_again_ = again && (interrupt_ == 0 || interrupt_again_);
  interrupt_ = execution;
  Nudge();
  return true;
}

bool GuestRunner::KillChildren(uint16_t execution) {
  std::lock_guard lock(mutex_);
  if (execution == 0 || running_ != execution) return false;
  kill_ = execution;
  Nudge();
  return true;
}

void GuestRunner::DiscardOutput() {
  std::lock_guard lock(mutex_);
  discard_ = true;
  Nudge();
}

void GuestRunner::TypeOnConsole(std::span<const uint8_t> bytes) {
  std::lock_guard lock(mutex_);
  typed_.insert(typed_.end(), bytes.begin(), bytes.end());
  if (thread_ != 0) Kick(thread_);
}

void GuestRunner::Stop() {
  std::lock_guard lock(mutex_);
  stop_ = true;
  Nudge();
}

bool GuestRunner::Drain(Machine& machine, Lock& lock) {
  for (;;) {
    const std::optional<size_t> moved = machine.link().Drain(output_);
    running_ = machine.link().running();
    if (!moved) return false;
    backlog_ = machine.link().TransmitSpace() < ZB_TX_BYTES;
    if (*moved == 0) return true;
    bytes_out_.fetch_add(*moved, std::memory_order_relaxed);
    if (output_announced_ || !options_.on_output) return true;
    output_announced_ = true;
    lock.unlock();
    options_.on_output();
    lock.lock();
    // Whoever reads or asks for something while the lock is free finds nobody waiting to be woken: look again
    // before the caller goes to sleep on what was true before.
  }
}

std::optional<uint64_t> GuestRunner::ForksEver(Machine& machine) const {
  if (options_.total_forks_gpa == 0) return std::nullopt;
  return machine.memory().Load<uint64_t>(options_.total_forks_gpa);
}

bool GuestRunner::TakeFoundAlone(Machine& machine) {
  if (!machine.link().TakeFoundAlone()) return false;
  forks_when_alone_ = ForksEver(machine);
  return true;
}

bool GuestRunner::OthersMayRun(Machine& machine, bool found_alone) const {
  if (options_.stop_when_ready) return false;
  if (machine.link().AgentIsBusy()) return true;
  if (found_alone) return false;
  const std::optional<uint64_t> forks = ForksEver(machine);
  return !forks || forks != forks_when_alone_;
}

void GuestRunner::ArmDrain(Machine& machine) {
  machine.link().SetArmed(true);
  timer_->Arm(kDrainIntervalNs);
}

bool GuestRunner::DeliverSignals(Machine& machine) {
  bool sent = false;
  if (kill_ != 0 && machine.link().NoteKill(kill_)) sent = machine.SendToConsole(kCtrlZ);
  if (interrupt_ != 0 && machine.link().NoteInterrupt(interrupt_, interrupt_again_)) {
    sent = machine.SendToConsole(kCtrlC) || sent;
  }
  // One for a cell that has ended is dropped: it must never land in the next cell.
  interrupt_ = kill_ = 0;
  return sent;
}

void GuestRunner::DeliverRequests(Machine& machine, Lock& lock) {
  if (discard_) {
    discard_ = false;
    machine.link().Discard();
  }
  if (interrupt_ != 0 || kill_ != 0) {
    if (!Drain(machine, lock)) return;
    DeliverSignals(machine);
  }
  while (!typed_.empty() && machine.SendToConsole(typed_.front())) typed_.pop_front();
  // At most one byte per WAIT: the agent consumes it and reads RX.
  if (waiting_ && machine.link().CanFill(input_)) {
    waiting_ = false;
    machine.WakeAgent();
  } else {
    OfferInput(machine);
  }
}

void GuestRunner::OfferInput(Machine& machine) {
  if (waiting_ || offered_ || !machine.link().CanFillInput(input_)) return;
  const auto now = std::chrono::steady_clock::now();
  if (!offer_at_) {
    offer_at_ = now + kInputPatience;
    if (!offer_timer_) offer_timer_.emplace();
    offer_timer_->Arm(std::chrono::nanoseconds(kInputPatience).count());
  } else if (now >= *offer_at_) {
    offer_at_.reset();
    offered_ = machine.WakeAgent();
  }
}

void GuestRunner::WithdrawOffer() {
  offered_ = false;
  offer_at_.reset();
  if (offer_timer_) offer_timer_->Disarm();
}

void GuestRunner::WaitParked(Lock& lock, TickDeferral* ticks, Park& park) {
  using Clock = std::chrono::steady_clock;
  if (ticks == nullptr) {
    wake_.wait(lock);
    return;
  }
  if (!park.tick_known) {
    park.tick_known = true;
    if (const auto until_tick = ticks->Park()) park.tick_at = Clock::now() + *until_tick;
    park.since = Clock::now();
  }
  if (park.tick_at) {
    if (wake_.wait_until(lock, *park.tick_at) == std::cv_status::timeout) {
      ticks->Disarm();
      park.tick_at.reset();
    }
    return;
  }
  park.tick_forced = wake_.wait_until(lock, park.since + TickDeferral::kMaxDeferral) == std::cv_status::timeout;
}

bool GuestRunner::HandleRx(Machine& machine, TickDeferral* ticks, bool input) {
  Lock lock(mutex_);
  thread_ = 0;  // woken by the condition variable from here on
  timer_->Disarm();
  slice_.Restore();
  waiting_ = false;
  WithdrawOffer();
  // Asked for in any case: the agent may be handed something now, and what it found says nothing of what that starts.
  const bool found_alone = TakeFoundAlone(machine);
  Park park;
  // Looked at once: nothing is started while the guest stands still.
  std::optional<bool> others;
  const auto resume = [&](uint32_t answer) {
    parked_.store(false, std::memory_order_relaxed);
    if (park.tick_forced) {
      ticks->ForceTick();
    } else if (park.tick_known) {
      ticks->Unpark();
    }
    machine.Answer(answer);
    return true;
  };
  for (;;) {
    if (stop_) return false;
    if (!Drain(machine, lock)) return false;
    if (stop_) return false;
    if (discard_) {
      discard_ = false;
      machine.link().Discard();
      continue;
    }
    if (input && DeliverSignals(machine)) return resume(0);
    if (machine.link().CanFill(input_)) {
      machine.link().ResetPositions();
      const uint32_t bytes = machine.link().Fill(input_);
      running_ = machine.link().running();
      look_interval_ns_ = kFirstLookNs;
      ArmDrain(machine);
      return resume(bytes);
    }
    if (options_.stop_when_ready && machine.link().ready()) return false;
    if (park.tick_forced) return resume(0);
    if (!others) others = OthersMayRun(machine, found_alone);
    if (!backlog_ && *others) {
      machine.link().SetArmed(false);
      machine.link().AskWhetherAlone();
      waiting_ = true;
      timer_->Arm(look_interval_ns_);
      look_interval_ns_ = std::min(2 * look_interval_ns_, kMaxLookNs);
      return resume(ZB_RX_WAIT);
    }
    parked_.store(true, std::memory_order_relaxed);
    WaitParked(lock, ticks, park);
    wakeups_.fetch_add(1, std::memory_order_relaxed);
  }
}

void GuestRunner::HandleRxTake(Machine& machine) {
  Lock lock(mutex_);
  const uint32_t bytes = machine.link().FillInput(input_);
  // Until it is told that there is nothing more, the agent comes back by itself.
  if (bytes == 0) WithdrawOffer();
  machine.Answer(bytes);
}

bool GuestRunner::HandleTxSpace(Machine& machine) {
  Lock lock(mutex_);
  thread_ = 0;
  timer_->Disarm();
  for (;;) {
    if (stop_) return false;
    if (!Drain(machine, lock)) return false;
    if (stop_) return false;
    if (discard_) {
      discard_ = false;
      machine.link().Discard();
      continue;
    }
    const bool signalled = DeliverSignals(machine);
    if (signalled || machine.link().TransmitSpace() >= ZB_TX_LOW_WATER) {
      ArmDrain(machine);
      machine.Answer(signalled ? 0 : machine.link().TransmitSpace());
      return true;
    }
    wake_.wait(lock);
  }
}

bool GuestRunner::HandleDoorbell(Machine& machine) {
  Lock lock(mutex_);
  if (!Drain(machine, lock)) return false;
  ArmDrain(machine);
  return true;
}

// What a runtime published before it was ended: nobody will ask for it again.
void GuestRunner::DrainLast(Machine& machine) {
  Lock lock(mutex_);
  thread_ = 0;
  (void)Drain(machine, lock);
}

void GuestRunner::LookForIdleGuest(Machine& machine) {
  if (!waiting_) return;
  waiting_ = false;
  machine.WakeAgent();
}

// A kick or the timer. Draining then is also what moves a backlog up after a read.
void GuestRunner::HandleTimer(Machine& machine) {
  Lock lock(mutex_);
  const uint64_t before = bytes_out_.load(std::memory_order_relaxed);
  if (!Drain(machine, lock)) return;
  if (!timer_->armed()) return;
  timer_->MarkFired();
  // The guest is still at work when its output is looked for.
  slice_.Lengthen();
  if (bytes_out_.load(std::memory_order_relaxed) != before) {
    ArmDrain(machine);
  } else {
    machine.link().SetArmed(false);
    LookForIdleGuest(machine);
  }
}

GuestRunner::Outcome GuestRunner::Loop(Machine& machine, TickDeferral* ticks) {
  for (;;) {
    bool kicked = false;
    {
      Lock lock(mutex_);
      if (stop_) return Outcome::kStopped;
      thread_ = thread_id_;
      // Before the requests are read: a kick after this point ends the next KVM_RUN at once.
      kicked = machine.vcpu().TakeImmediateExit();
      DeliverRequests(machine, lock);
    }
    // The drain timer asks for nothing under the lock. One that fired while this thread was handling an exit has
    // left only that mark, and the guest does not ring the doorbell while it believes the timer to be running.
    if (kicked) HandleTimer(machine);
    if (!machine.link().violation().empty()) return Outcome::kEnded;
    bool go_on = true;
    const Machine::Next next = machine.RunOnce(exits_);
    switch (next) {
      case Machine::Next::kRun:
        break;
      case Machine::Next::kInterrupted:
        HandleTimer(machine);
        break;
      case Machine::Next::kDoorbell:
        go_on = HandleDoorbell(machine);
        break;
      case Machine::Next::kRx:
        go_on = HandleRx(machine, ticks, false);
        break;
      case Machine::Next::kRxInput:
        go_on = HandleRx(machine, ticks, true);
        break;
      case Machine::Next::kRxTake:
        HandleRxTake(machine);
        break;
      case Machine::Next::kTxSpace:
        go_on = HandleTxSpace(machine);
        break;
      case Machine::Next::kEnd:
        DrainLast(machine);
        return Outcome::kEnded;
    }
    if (!machine.link().violation().empty()) return Outcome::kEnded;
    if (!go_on) {
      std::lock_guard lock(mutex_);
      return stop_ ? Outcome::kStopped : Outcome::kReady;
    }
  }
}

GuestRunner::Outcome GuestRunner::Run(Machine& machine, TickDeferral* ticks) {
  const KickScope kick_scope(machine.vcpu().run());
  thread_id_ = kick_scope.thread_id();
  timer_.emplace();
  look_interval_ns_ = kFirstLookNs;
  // A fork begins as its template, which had nothing but its agent.
  if (options_.total_forks_gpa != 0) {
    forks_when_alone_ = machine.memory().Load<uint64_t>(options_.total_forks_gpa);
  }
  struct Leave {
    GuestRunner& runner;
    ~Leave() {
      std::lock_guard lock(runner.mutex_);
      runner.thread_ = 0;
      runner.timer_.reset();
      runner.offer_timer_.reset();
      runner.parked_.store(false, std::memory_order_relaxed);
    }
  } leave{*this};
  return Loop(machine, ticks);
}

}  // namespace zb
