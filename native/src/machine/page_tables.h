// Bits of long-mode page tables that are read here (AMD64 manual volume 2, 5.3).
#pragma once

#include <cstdint>

namespace zb::paging {

inline constexpr uint64_t kPresent = 1ULL << 0;
inline constexpr uint64_t kWritable = 1ULL << 1;
inline constexpr uint64_t kUser = 1ULL << 2;
inline constexpr uint64_t kLarge = 1ULL << 7;
inline constexpr uint64_t kNoExecute = 1ULL << 63;
inline constexpr uint64_t kAddressMask = 0x000ffffffffff000;
inline constexpr uint64_t kCr4La57 = 1ULL << 12;
inline constexpr uint64_t kEntries = 512;

}  // namespace zb::paging
