#include "fork/reaper.h"

#include <signal.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "kvm/error.h"

namespace zb {
namespace {

// KVM's exits need little; the XSAVE emulation keeps one 16 KiB area on it.
constexpr size_t kStackBytes = 128 * 1024;

}  // namespace

Reaper& Reaper::Get() {
  static Reaper reaper;
  return reaper;
}

Reaper::Reaper() {
  sigset_t all, previous;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);
  joiner_ = std::thread([this] { JoinLoop(); });
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  ::pthread_setname_np(joiner_.native_handle(), "zb-reaper");
}

Reaper::~Reaper() {
  JoinAll();
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  joiner_.join();
}

void* Reaper::ThreadEntry(void* argument) {
  const std::unique_ptr<Body> body(static_cast<Body*>(argument));
  ::pthread_setname_np(::pthread_self(), body->name);
  body->run();
  body->run = nullptr;  // what it holds goes before the thread counts as ended
  std::lock_guard lock(body->reaper.mutex_);
  body->reaper.ended_.push_back(::pthread_self());
  body->reaper.changed_.notify_all();
  return nullptr;
}

void Reaper::StartThread(const char* name, std::function<void()> run) {
  auto body = std::make_unique<Body>(*this, name, std::move(run));
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  sigset_t all;
  sigfillset(&all);
  ::pthread_attr_setsigmask_np(&attributes, &all);
  std::lock_guard lock(mutex_);
  pthread_t thread;
  const int failed = ::pthread_create(&thread, &attributes, &ThreadEntry, body.get());
  ::pthread_attr_destroy(&attributes);
  if (failed != 0) ThrowSystemError(ErrorCode::kForkFailed, "pthread_create", failed);
  (void)body.release();
  unjoined_++;
}

void Reaper::JoinLoop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !ended_.empty(); });
    if (ended_.empty()) return;
    const std::vector<pthread_t> ended = std::exchange(ended_, {});
    lock.unlock();
    for (const pthread_t thread : ended) ::pthread_join(thread, nullptr);
    lock.lock();
    unjoined_ -= ended.size();
    changed_.notify_all();
  }
}

void Reaper::JoinAll() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return unjoined_ == 0; });
}

}  // namespace zb
