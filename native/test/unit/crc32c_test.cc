#include "machine/crc32c.h"

#include <string_view>
#include <vector>

#include "harness.h"

namespace zb {
namespace {

uint32_t OfText(std::string_view text) { return Crc32c({reinterpret_cast<const uint8_t*>(text.data()), text.size()}); }

TEST(crc32c_gives_the_published_values) {
  EXPECT_EQ(OfText(""), 0u);
  EXPECT_EQ(OfText("123456789"), 0xe3069283);
  // RFC 3720, B.4.
  std::vector<uint8_t> bytes(32, 0);
  EXPECT_EQ(Crc32c(bytes), 0x8a9136aa);
  bytes.assign(32, 0xff);
  EXPECT_EQ(Crc32c(bytes), 0x62a8ab43);
  for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(Crc32c(bytes), 0x46dd794e);
}

TEST(crc32c_goes_on_from_a_seed) {
  const std::string_view text = "The quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); cut++) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    EXPECT_EQ(Crc32c({bytes + cut, text.size() - cut}, Crc32c({bytes, cut})), OfText(text));
  }
}

}  // namespace
}  // namespace zb
