// The template itself: booted, captured, sealed.
#include <fcntl.h>

#include "engine/cells.h"

namespace zb::test {

ENGINE_TEST(boot_and_capture) {
  const TemplateInfo& info = context.source->info();
  Check(info.runtime.rfind("CPython 3.", 0) == 0, "the runtime calls itself '", info.runtime, "'");
  Check(info.tsc_khz > 0, "the TSC's frequency is unknown");
  Check(info.stored_pages > 1000 && info.stored_pages < info.layout().ram_bytes / kPageBytes,
        "impossible number of pages with content: ", info.stored_pages);
  Check(!context.source->working_set().empty(), "no working set was recorded");
  Check(context.source->vcpu().tsc_deadline != 0, "the template was captured without an armed tick");

  const int seals = ::fcntl(context.source->ram_fd(), F_GET_SEALS);
  const int wanted = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  CheckEqual(seals & wanted, wanted, "the seals of the template's memory");
  // What the seals are for: nobody in this process can write to what the forks share.
  bool mapped = true;
  try {
    const Mapping writable(kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, context.source->ram_fd());
  } catch (const EngineError&) {
    mapped = false;
  }
  Check(!mapped, "the template's memory can be mapped shared and writable");

  Fork fork(context);
  CheckAnswers(fork);
  return Text(context.booted ? "booted" : "loaded", " in ", context.made_ms, " ms, ", info.runtime, ", ",
              info.stored_pages, " pages, working set ", info.working_set_pages, " pages in ",
              context.source->working_set().size(), " runs");
}

}  // namespace zb::test
