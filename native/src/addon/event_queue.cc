#include "addon/event_queue.h"

namespace zb {

EventQueue::EventQueue(Napi::Env env) : env_(env), wakeup_(Wakeup::New(env, "zeroboot", 0, 1, this)) {
  wakeup_.Unref(env);
}

EventQueue::~EventQueue() { Close(); }

void EventQueue::Post(NodeTask task) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  tasks_.push_back(std::move(task));
  if (woken_) return;
  woken_ = true;
  // napi_closing: the environment is going away, and nobody waits for the task any more.
  (void)wakeup_.NonBlockingCall();
}

void EventQueue::CallJs(Napi::Env env, Napi::Function, EventQueue* queue, void*) {
  if (env != nullptr && queue != nullptr) queue->RunTasks(env);
}

void EventQueue::RunTasks(Napi::Env env) {
  std::vector<NodeTask> tasks;
  {
    std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
    woken_ = false;
  }
  for (NodeTask& task : tasks) {
    try {
      task(env);
    } catch (const Napi::Error& error) {
      // One VM's callback must not cost the others theirs: it is as if each had come by itself.
      ::napi_fatal_exception(env, error.Value());
    }
  }
}

void EventQueue::Reference() {
  if (references_++ == 0) wakeup_.Ref(env_);
}

void EventQueue::Unreference() {
  if (--references_ == 0) wakeup_.Unref(env_);
}

void EventQueue::Close() {
  // Destroyed without the lock: what a task holds may post another.
  std::vector<NodeTask> dropped;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    dropped.swap(tasks_);
  }
  wakeup_.Abort();
}

}  // namespace zb
