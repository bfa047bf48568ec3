#include "fork/time_slice.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace zb {
namespace {

// struct sched_attr of linux/sched/types.h, as it was at first (SCHED_ATTR_SIZE_VER0): its header clashes with glibc's.
struct SchedAttr {
  uint32_t size = sizeof(SchedAttr);
  uint32_t policy = SCHED_OTHER;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;  // nanoseconds; for SCHED_OTHER the slice, 0: the default
  uint64_t deadline = 0;
  uint64_t period = 0;
};
static_assert(sizeof(SchedAttr) == 48, "SCHED_ATTR_SIZE_VER0");

}  // namespace

void TimeSlice::Set(bool is_long) {
  is_long_ = is_long;
  // An operator who gave the process another policy has said how long it runs.
  if (::sched_getscheduler(0) != SCHED_OTHER) return;
  SchedAttr attributes;
  attributes.nice = ::getpriority(PRIO_PROCESS, 0);
  if (is_long) attributes.runtime = static_cast<uint64_t>(busy_.count());
  // Refused, the guest is only slower.
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace zb
