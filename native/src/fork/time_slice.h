// How long the calling thread runs at a time while others want its processor.
//
// Where guest kernel mode is emulated a timer tick costs 2.4 ms, and one is due each time a guest comes back to a
// processor that it shares with many: of a slice of 3 ms hardly anything is left. A longer one costs nobody more of the
// processor; whoever asks for little at a time still goes first (Documentation/scheduler/sched-eevdf.rst).
#pragma once

#include <chrono>

namespace zb {

class TimeSlice {
 public:
  // `busy`: the length for a guest that has been at work for a while; zero: as the host's scheduler has it.
  explicit TimeSlice(std::chrono::nanoseconds busy) : busy_(busy) {}

  // Both are for the thread that runs the guest, and cost a system call when they change anything. Kernels before 6.12
  // take a length and ignore it.
  void Lengthen() {
    if (!is_long_ && busy_.count() != 0) Set(true);
  }
  void Restore() {
    if (is_long_) Set(false);
  }

 private:
  void Set(bool is_long);

  std::chrono::nanoseconds busy_;
  bool is_long_ = false;
};

}  // namespace zb
