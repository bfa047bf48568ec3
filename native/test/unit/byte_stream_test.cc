#include "template/byte_stream.h"

#include "harness.h"

namespace zb {
namespace {

TEST(byte_stream_reads_back_what_was_written) {
  ByteWriter writer;
  const std::vector<uint32_t> numbers = {1, 2, 0xffffffff};
  writer.Pod(uint64_t{0x1122334455667788});
  writer.String("label");
  writer.String("");
  writer.Array(std::span<const uint32_t>(numbers));
  writer.Array(std::span<const uint64_t>());
  ByteReader reader(writer.data());
  EXPECT_EQ(reader.Pod<uint64_t>(), 0x1122334455667788);
  EXPECT_EQ(reader.String(), "label");
  EXPECT_EQ(reader.String(), "");
  EXPECT(reader.Array<uint32_t>() == numbers);
  EXPECT(reader.Array<uint64_t>().empty());
  reader.ExpectEnd();
}

TEST(byte_stream_refuses_lengths_that_are_not_there) {
  for (const uint64_t count : {uint64_t{3}, uint64_t{1} << 32, uint64_t{1} << 62, UINT64_MAX}) {
    ByteWriter writer;
    writer.Pod(count);
    writer.Pod(uint64_t{0});
    writer.Pod(uint64_t{0});
    EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ByteReader(writer.data()).Array<uint64_t>());
    if (count > 16) EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ByteReader(writer.data()).String());
  }
}

TEST(byte_stream_refuses_what_is_short_or_left_over) {
  const std::vector<uint8_t> bytes(7);
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ByteReader(bytes).Pod<uint64_t>());
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ByteReader(bytes).Array<uint8_t>());
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ByteReader(bytes).ExpectEnd());
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ByteReader({}).Pod<uint8_t>());
}

}  // namespace
}  // namespace zb
