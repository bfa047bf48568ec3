#include "devices/link_queues.h"

#include <cstring>

#include "harness.h"

namespace zb {
namespace {

std::vector<uint8_t> Bytes(size_t count, uint8_t value = 0x5a) { return std::vector<uint8_t>(count, value); }

void AppendRecord(OutputQueue& queue, uint32_t payload, uint8_t kind = ZB_GUEST_STDOUT) {
  const zb_record header{.length = payload, .kind = kind, .flags = 0, .execution = 1};
  const auto target = queue.Append(sizeof(header) + payload);
  std::memset(target.data(), 0, target.size());
  std::memcpy(target.data(), &header, sizeof(header));
}

TEST(input_queue_gives_records_as_a_byte_stream) {
  InputQueue queue;
  EXPECT(queue.empty());
  EXPECT(queue.Push(ZB_HOST_EXECUTE, 1, 7, Bytes(3)));
  EXPECT(queue.Push(ZB_HOST_STDIN, 0, 7, {}));
  EXPECT_EQ(queue.front().kind, ZB_HOST_EXECUTE);
  EXPECT_EQ(queue.front().length, 3);
  EXPECT_EQ(queue.front().flags, 1);
  EXPECT_EQ(queue.front().execution, 7);

  std::vector<uint8_t> target(4);
  EXPECT_EQ(queue.Take(target), 4);
  EXPECT(queue.front_started());
  EXPECT_EQ(queue.front().kind, ZB_HOST_EXECUTE);
  target.resize(100);
  EXPECT_EQ(queue.Take(target), sizeof(zb_record) + 3 - 4);
  EXPECT(!queue.front_started());
  EXPECT_EQ(queue.front().kind, ZB_HOST_STDIN);
  EXPECT_EQ(queue.Take(target), sizeof(zb_record));
  EXPECT(queue.empty());
}

TEST(input_queue_is_bounded_and_recovers) {
  InputQueue queue;
  EXPECT(!queue.Push(ZB_HOST_EXECUTE, 0, 1, Bytes(ZB_MAX_HOST_PAYLOAD + 1)));
  EXPECT(queue.empty());
  EXPECT(queue.Push(ZB_HOST_EXECUTE, 0, 1, Bytes(ZB_MAX_HOST_PAYLOAD)));
  EXPECT(queue.Push(ZB_HOST_EXECUTE, 0, 2, Bytes(ZB_MAX_HOST_PAYLOAD)));
  EXPECT(!queue.Push(ZB_HOST_STDIN, 0, 2, {}));
  std::vector<uint8_t> target(sizeof(zb_record) + ZB_MAX_HOST_PAYLOAD);
  // A record taken in part still counts in full.
  EXPECT_EQ(queue.Take(std::span(target).first(100)), 100);
  EXPECT(!queue.Push(ZB_HOST_STDIN, 0, 2, {}));
  EXPECT_EQ(queue.Take(target), target.size() - 100);
  EXPECT(queue.Push(ZB_HOST_STDIN, 0, 2, {}));
}

TEST(input_queue_bounds_the_number_of_empty_records) {
  InputQueue queue;
  size_t pushed = 0;
  while (queue.Push(ZB_HOST_STDIN, 0, 1, {})) pushed++;
  EXPECT_EQ(pushed, InputQueue::kMaxBytes / sizeof(zb_record));
}

TEST(output_queue_takes_whole_records_and_at_least_one) {
  OutputQueue queue;
  EXPECT(queue.empty());
  EXPECT(queue.Take(1000).empty());
  AppendRecord(queue, 10);
  AppendRecord(queue, 20);
  AppendRecord(queue, 30);
  EXPECT_EQ(queue.size(), 60 + 3 * sizeof(zb_record));
  EXPECT_EQ(queue.Take(0).size(), 10 + sizeof(zb_record));
  EXPECT_EQ(queue.Take(20 + sizeof(zb_record) + 30 + sizeof(zb_record) - 1).size(), 20 + sizeof(zb_record));
  EXPECT_EQ(queue.Take(1000).size(), 30 + sizeof(zb_record));
  EXPECT(queue.empty());
}

TEST(output_queue_is_full_at_its_limit_and_stays_small) {
  OutputQueue queue;
  constexpr uint32_t kPayload = 1000;
  constexpr size_t kRecord = kPayload + sizeof(zb_record);
  // Full and emptied over and over, with something always left: what is read must not stay.
  for (int round = 0; round < 100; round++) {
    while (queue.Fits(kRecord)) AppendRecord(queue, kPayload);
    EXPECT(queue.size() <= OutputQueue::kMaxBytes);
    EXPECT(queue.size() > OutputQueue::kMaxBytes - kRecord);
    while (queue.size() > kRecord) {
      const auto taken = queue.Take(10 * kRecord);
      EXPECT_EQ(taken.size() % kRecord, 0);
    }
  }
  while (!queue.empty()) queue.Take(kRecord);
  AppendRecord(queue, kPayload);
  EXPECT(!queue.Fits(OutputQueue::kMaxBytes));
  queue.Take(kRecord);
  EXPECT(queue.Fits(OutputQueue::kMaxBytes));
  EXPECT(!queue.Fits(OutputQueue::kMaxBytes + 1));
}

}  // namespace
}  // namespace zb
