// Which pages of a mapping have content, and which are private copies.
#pragma once

#include <cstdint>
#include <vector>

#include "template/template.h"

namespace zb {

// Pages of a MAP_PRIVATE mapping that this process has copied by writing: present or swapped, and not
// file-backed (pagemap bits 63, 62 and 61; Documentation/admin-guide/mm/pagemap.rst).
std::vector<PageRun> PrivatePages(const uint8_t* base, uint64_t bytes);

// Pages of `fd` that hold anything but zeroes. Holes are skipped without reading them.
std::vector<PageRun> NonZeroPages(int fd, const uint8_t* base, uint64_t bytes);

// GPA after the last page of RAM that anybody has touched, though it may hold zeroes. `fd` is a template's memory.
uint64_t TouchedEnd(int fd, const MemoryLayout& layout);

// Faults `runs` in for writing, so that the guest's first stores need not break copy-on-write one by one
// (each break of a page KVM has mapped calls every live VM's mmu-notifier). Throws kIoFailed.
void PrefaultForWrite(uint8_t* base, const std::vector<PageRun>& runs);

// Pages that more than half of `sets` have.
std::vector<PageRun> PagesOfMost(const std::vector<std::vector<PageRun>>& sets);

uint64_t CountPages(const std::vector<PageRun>& runs);

}  // namespace zb
