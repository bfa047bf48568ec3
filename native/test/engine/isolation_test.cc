// What is written in one fork is in no other, and not in the template.
#include <algorithm>

#include "engine/cells.h"

namespace zb::test {
namespace {

// Looks for 16 bytes that are followed by 16 of a given SHA-256 in all memory that /dev/mem shows: RAM, what firmware
// reserves, the root image, the link's ring. The secret as a whole is never told: a guest that is asked about it must
// not come to hold it by that. Memory is mapped, not read: read() on /dev/mem copies in the guest's kernel, which some
// hosts emulate.
constexpr const char* kSearch = R"(
import hashlib, mmap, os, re
def regions(ring):
    for line in open('/proc/iomem'):
        where, name = line.split(':')
        start, end = (int(text, 16) for text in where.strip().split('-'))
        # What is within another one is indented. Devices are left out: reading the link's registers is its agent's.
        if line[0] != ' ' and name.strip().split()[0] in ('System', 'Reserved', 'Persistent') and end < 0xd0000000:
            yield (start + 4095) & ~4095, (end + 1) & ~4095
    yield ring, ring + 0x20000
def search(prefix, digest, ring):
    found = 0
    seen = set()
    pattern = re.compile(re.escape(prefix), re.DOTALL)
    fd = os.open('/dev/mem', os.O_RDONLY)
    for start, end in regions(ring):
        for at in range(start, end, 1 << 21):
            length = min(1 << 21, end - at)
            try:
                view = mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=at)
            except OSError:
                continue
            seen.update(range(at, at + length, 4096))
            for position in [match.start() for match in pattern.finditer(view)]:
                rest = view[position + 16:position + 32]
                if hashlib.sha256(rest).hexdigest() == digest: found += 1
            view.close()
    os.close(fd)
    return found, len(seen) * 4096
)";

struct Found {
  long long copies = 0;
  long long bytes = 0;
};

Found SearchInGuest(Conversation& fork, const Template& source, const std::string& prefix, const std::string& digest) {
  RunOk(fork, kSearch);
  const std::string out = RunOk(fork, Text("print(*search(bytes.fromhex('", prefix, "'), '", digest, "', ",
                                           source.info().layout().ring_gpa(), "))"));
  Found found;
  CheckEqual(std::sscanf(out.c_str(), "%lld %lld", &found.copies, &found.bytes), 2, "the numbers in '" + out + "'");
  return found;
}

bool TemplateContains(const Template& source, const std::vector<uint8_t>& needle) {
  const Mapping memory(source.info().layout().total_bytes(), PROT_READ, MAP_SHARED, source.ram_fd());
  const auto bytes = memory.span();
  return std::search(bytes.begin(), bytes.end(), needle.begin(), needle.end()) != bytes.end();
}

}  // namespace

ENGINE_TEST(isolation_of_memory) {
  Fork before(context), a(context);
  // In a variable and in a file; handed out as text, which is not what is looked for.
  const std::string out = RunOk(a, R"(
import hashlib, os
secret = os.urandom(32)
open('/tmp/secret', 'wb').write(secret)
print(secret.hex())
print(hashlib.sha256(secret[16:]).hexdigest()))");
  const std::vector<std::string> lines = Lines(out);
  CheckEqual(lines.size(), size_t{2}, "the number of lines");
  const std::vector<uint8_t> secret = FromHex(lines[0]);
  CheckEqual(secret.size(), size_t{32}, "the length of the secret");
  Fork after(context);
  RunOk(after, "x = 1");

  for (Fork* fork : {&before, &a, &after}) Check(fork->WaitUntilParked(kPatience), "a fork does not park");
  Check(a.vm().MemoryContains(secret), "the secret is not found in the memory of the fork that has it");
  Check(!before.vm().MemoryContains(secret), "the secret is in the memory of a fork made before it");
  Check(!after.vm().MemoryContains(secret), "the secret is in the memory of a fork made after it");
  Check(!TemplateContains(*context.source, secret), "the secret is in the template's memory");

  const std::string prefix = lines[0].substr(0, 32);
  const Found own = SearchInGuest(a, *context.source, prefix, lines[1]);
  const auto ram = static_cast<long long>(context.source->info().layout().ram_bytes);
  Check(own.copies > 0, "a guest does not find its own secret in ", own.bytes, " bytes of /dev/mem");
  Check(own.bytes > ram * 9 / 10, "a guest sees only ", own.bytes, " of ", ram, " bytes of its RAM");
  for (Fork* fork : {&before, &after}) {
    const Found other = SearchInGuest(*fork, *context.source, prefix, lines[1]);
    CheckEqual(other.copies, 0, "the copies of the secret that another guest finds");
    CheckEqual(other.bytes, own.bytes, "the bytes of /dev/mem it sees");
  }
  return Text("32 bytes: ", own.copies, " copies in their own guest's ", own.bytes / static_cast<long long>(kMiB),
              " MiB, none in two others', seen from inside or outside, none in the template");
}

// The root image is one memory for all forks, and a guest's root may write to where it is mapped.
ENGINE_TEST(isolation_of_the_root_image) {
  Fork a(context), b(context);
  const auto gpa = context.source->info().layout().root_gpa();
  const std::string map = Text(
      "import mmap, os\nfd = os.open('/dev/mem', os.O_RDWR)\n"
      "page = mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=",
      gpa, ")\n");
  const std::string read = "print(page[1024:1024 + 64].hex())";
  RunOk(a, map);
  RunOk(b, map);
  const std::string original = RunOk(b, read);
  CheckEqual(RunOk(a, read), original, "the root image's superblock in the other fork");
  CheckEqual(original.substr(0, 8), "e2e1f5e0", "the magic of the root image's superblock");
  RunOk(a, "page[1024:1024 + 64] = bytes(range(64))");
  Check(RunOk(a, read) != original, "a write to the root image's memory has no effect in its own fork");
  CheckEqual(RunOk(b, read), original, "the superblock in the other fork after it was overwritten in the first");
  Fork later(context);
  RunOk(later, map);
  CheckEqual(RunOk(later, read), original, "the superblock in a later fork");
  return "a fork overwrote the image's superblock; the two others see the original";
}

}  // namespace zb::test
