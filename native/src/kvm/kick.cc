#include "kvm/kick.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

#include "kvm/error.h"

namespace zb {
namespace {

// initial-exec: the handler must not reach the allocator through a lazily made TLS block.
[[gnu::tls_model("initial-exec")]] thread_local kvm_run* current_run = nullptr;

void HandleKick(int) {
  if (current_run != nullptr) current_run->immediate_exit = 1;
  std::atomic_signal_fence(std::memory_order_release);
}

}  // namespace

int KickSignal() {
  // Nothing sends this one any more, and it is no real-time signal: those are queued, and lost when the user's
  // processes have as many pending as RLIMIT_SIGPENDING allows. A kick is a mark; two at a time may well be one.
  static const int signal_number = [] {
    const int number = SIGSTKFLT;
    struct sigaction previous {};
    if (::sigaction(number, nullptr, &previous) == 0 && previous.sa_handler != SIG_DFL) {
      throw EngineError(ErrorCode::kKvmFailed, "the signal the engine needs is taken by another library");
    }
    struct sigaction action {};
    action.sa_handler = HandleKick;
    sigfillset(&action.sa_mask);
    if (::sigaction(number, &action, nullptr) != 0) ThrowSystemError(ErrorCode::kKvmFailed, "sigaction", errno);
    return number;
  }();
  return signal_number;
}

KickScope::KickScope(kvm_run* run) : thread_id_(static_cast<pid_t>(::syscall(SYS_gettid))) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, KickSignal());
  current_run = run;
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

KickScope::~KickScope() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, KickSignal());
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  current_run = nullptr;
}

void Kick(pid_t thread_id) { ::syscall(SYS_tgkill, ::getpid(), thread_id, KickSignal()); }

KickTimer::KickTimer() {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = KickSignal();
  event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) {
    ThrowSystemError(ErrorCode::kKvmFailed, "timer_create", errno);
  }
}

KickTimer::~KickTimer() { ::timer_delete(timer_); }

void KickTimer::Arm(uint64_t nanoseconds) {
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000);
  ::timer_settime(timer_, 0, &when, nullptr);
  armed_ = true;
}

void KickTimer::Disarm() {
  if (!armed_) return;
  const itimerspec never{};
  ::timer_settime(timer_, 0, &never, nullptr);
  armed_ = false;
}

}  // namespace zb
