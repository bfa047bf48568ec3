// Owns the vCPU threads and joins them when they end, so that nobody who closes a VM has to wait for it.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace zb {

class Reaper {
 public:
  static Reaper& Get();

  // Starts `body` on a new thread with a small stack and every signal blocked. Throws kForkFailed.
  void StartThread(const char* name, std::function<void()> body);
  // Waits until every thread started so far has ended and been joined.
  void JoinAll();

 private:
  Reaper();
  ~Reaper();
  struct Body {
    Reaper& reaper;
    const char* name;
    std::function<void()> run;
  };
  static void* ThreadEntry(void* argument);
  void JoinLoop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<pthread_t> ended_;
  size_t unjoined_ = 0;
  bool stop_ = false;
  std::thread joiner_;
};

}  // namespace zb
