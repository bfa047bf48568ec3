// From vCPU threads to the Node thread: one thread-safe function per environment, not per VM, called at
// most once per batch of events.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "fork/forked_vm.h"

namespace zb {

// Something the Node thread is to do. Runs there once, or never when the environment goes away first.
using NodeTask = std::function<void(Napi::Env env)>;

class EventQueue {
 public:
  // Node thread.
  explicit EventQueue(Napi::Env env);
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // Any thread. After Close() tasks are dropped.
  void Post(NodeTask task);
  // Keeps the process alive while there is something to wait for. Node thread.
  void Reference();
  void Unreference();
  // Node thread: nothing is called after this.
  void Close();

 private:
  static void CallJs(Napi::Env env, Napi::Function, EventQueue* queue, void*);
  using Wakeup = Napi::TypedThreadSafeFunction<EventQueue, void, &EventQueue::CallJs>;

  void RunTasks(Napi::Env env);

  Napi::Env env_;
  Wakeup wakeup_;
  std::mutex mutex_;
  std::vector<NodeTask> tasks_;
  bool woken_ = false;
  bool closed_ = false;
  int references_ = 0;
};

}  // namespace zb
