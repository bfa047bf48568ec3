// The interpreter's code in huge pages: the same code, and in one piece in guest and host.
#include <fstream>
#include <sstream>

#include "engine/cells.h"
#include "template/huge_text.h"

namespace zb::test {
namespace {

// What this process has mapped by huge entries of memory files, in KiB.
uint64_t HugeKilobytes() {
  std::ifstream maps("/proc/self/smaps");
  uint64_t sum = 0;
  for (std::string line; std::getline(maps, line);) {
    if (line.rfind("ShmemPmdMapped:", 0) == 0) sum += std::stoull(line.substr(15));
  }
  return sum;
}

}  // namespace

ENGINE_TEST(huge_text_is_the_same_code) {
  const TemplateInfo& info = context.source->info();
  const GuestMemory memory(info.layout(), context.source->ram_fd(), *context.source->root(), MemorySharing::kPrivate);
  const size_t pages = HugeTextPages(memory, context.source->vcpu().sregs).size();
  Check(pages >= 1, "the guest has no code in huge pages");
  const uint64_t before = HugeKilobytes();
  Fork fork(context);
  CheckEqual(RunOk(fork, R"(
import ctypes
text = next(line for line in open('/proc/self/maps') if ' r-xp ' in line)
begin, end = (int(address, 16) for address in text.split()[0].split('-'))
# Debian's interpreter is linked to a fixed address, and a file's beginning is mapped at its lowest.
lowest = int(open('/proc/self/maps').readline().split('-')[0], 16)
program = open('/proc/self/exe', 'rb')
program.seek(begin - lowest)
print(ctypes.string_at(begin, end - begin) == program.read(end - begin), end - begin >> 21))"),
             Text("True ", pages, "\n"), "the code against its file, and its huge pages");
  const uint64_t mapped = HugeKilobytes() - before;
  return Text(pages, " huge pages of code; the host maps ", mapped, " KiB of the fork by huge entries");
}

}  // namespace zb::test
