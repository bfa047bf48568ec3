// Bringing a vCPU thread out of KVM_RUN: a signal whose handler sets immediate_exit, so that a signal which
// lands just before KVM_RUN is not lost (api.rst, immediate_exit).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>

#include "kvm/uapi.h"

namespace zb {

// The engine's one signal. Installed once, without SA_RESTART; throws if somebody else has it.
int KickSignal();

// While it lives, the signal's handler on this thread marks `run` for an immediate exit.
class KickScope {
 public:
  explicit KickScope(kvm_run* run);
  ~KickScope();
  KickScope(const KickScope&) = delete;
  KickScope& operator=(const KickScope&) = delete;
  // The thread to kick.
  pid_t thread_id() const { return thread_id_; }

 private:
  pid_t thread_id_;
};

// Sends the signal to a thread of this process that is inside a KickScope.
void Kick(pid_t thread_id);

// A one-shot timer that kicks the thread which made it.
class KickTimer {
 public:
  // Throws kKvmFailed when the process is out of timers (RLIMIT_SIGPENDING).
  KickTimer();
  ~KickTimer();
  KickTimer(const KickTimer&) = delete;
  KickTimer& operator=(const KickTimer&) = delete;
  void Arm(uint64_t nanoseconds);
  void Disarm();
  bool armed() const { return armed_; }
  // To be called when the kick has come.
  void MarkFired() { armed_ = false; }

 private:
  timer_t timer_{};
  bool armed_ = false;
};

}  // namespace zb
