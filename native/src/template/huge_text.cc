#include "template/huge_text.h"

#include <sys/mman.h>

#include <utility>

#include "machine/page_tables.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25  // since Linux 6.1
#endif

namespace zb {
namespace {

using namespace paging;

constexpr uint64_t kUserHalf = kEntries / 2;

// A snapshot's page tables are somebody's claim: they may be circular, or full.
constexpr size_t kMostTables = 4096;
constexpr size_t kMostPages = 256;

class Search {
 public:
  explicit Search(const GuestMemory& memory) : memory_(memory) {}

  // Page-map level-4 table, page-directory-pointer table, page directory: levels 0, 1, 2.
  void Visit(uint64_t table, int level) {
    if (++tables_ > kMostTables) return;
    for (uint64_t i = 0; i < (level == 0 ? kUserHalf : kEntries) && pages_.size() < kMostPages; i++) {
      const auto entry = memory_.Load<uint64_t>(table + i * 8);
      if (!entry || (*entry & kPresent) == 0 || (*entry & kUser) == 0) continue;
      if (level < 2) {
        if ((*entry & kLarge) == 0) Visit(*entry & kAddressMask, level + 1);
      } else if ((*entry & kLarge) != 0 && ((*entry & kWritable) == 0 || (*entry & kNoExecute) == 0)) {
        pages_.push_back(*entry & kAddressMask & ~(kHugePageBytes - 1));
      }
    }
  }
  std::vector<uint64_t> TakePages() { return std::move(pages_); }

 private:
  const GuestMemory& memory_;
  std::vector<uint64_t> pages_;
  size_t tables_ = 0;
};

}  // namespace

std::vector<uint64_t> HugeTextPages(const GuestMemory& memory, const kvm_sregs& sregs) {
  Search search(memory);
  if ((sregs.cr4 & kCr4La57) == 0) search.Visit(sregs.cr3 & kAddressMask, 0);
  return search.TakePages();
}

void KeepHugeTextWhole(int ram_fd, const MemoryLayout& layout, const RootImage& root, const kvm_sregs& sregs) {
  const GuestMemory memory(layout, ram_fd, root, MemorySharing::kPrivate);
  for (const uint64_t gpa : HugeTextPages(memory, sregs)) {
    // RAM, or the root image in the midst of it.
    if (gpa > layout.total_bytes() - kHugePageBytes) continue;
    ::madvise(memory.base() + gpa, kHugePageBytes, MADV_COLLAPSE);
  }
}

}  // namespace zb
