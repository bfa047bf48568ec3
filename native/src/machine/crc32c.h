// CRC-32C (Castagnoli, reflected), by the processor's own instruction: as fast as memory, so that a whole
// template is checked each time it is loaded.
#pragma once

#include <nmmintrin.h>

#include <cstdint>
#include <cstring>
#include <span>

namespace zb {

[[gnu::target("sse4.2")]] inline uint32_t Crc32c(std::span<const uint8_t> bytes, uint32_t seed = 0) {
  uint64_t crc = ~seed;
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    crc = _mm_crc32_u64(crc, word);
  }
  auto narrow = static_cast<uint32_t>(crc);
  for (; left > 0; at++, left--) narrow = _mm_crc32_u8(narrow, *at);
  return ~narrow;
}

}  // namespace zb
