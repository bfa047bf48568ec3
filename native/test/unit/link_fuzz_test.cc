// Rings no agent writes, many of them, from fixed seeds: the sanitizers and the invariants say what is wrong.
// `make SANITIZE=address,undefined test`.
#include <random>

#include "guest_agent.h"
#include "harness.h"

namespace zb {
namespace {

using test::LinkedAgent;

constexpr int kRounds = 20000;

// Every byte of the queue belongs to a record that passed the checks.
void ExpectWholeRecords(OutputQueue& queue) {
  while (!queue.empty()) {
    const auto record = test::Next(queue);
    EXPECT(record.header.kind >= ZB_GUEST_KIND_FIRST && record.header.kind <= ZB_GUEST_KIND_LAST);
    EXPECT(record.header.length <= ZB_MAX_GUEST_PAYLOAD);
    EXPECT_EQ(record.payload.size(), record.header.length);
  }
}

TEST(link_survives_random_bytes_at_random_positions) {
  std::mt19937 random(20240229);
  LinkedAgent vm;
  for (int round = 0; round < kRounds; round++) {
    Link link(vm.memory.get());
    OutputQueue output;
    const uint32_t tail = random();
    vm.agent.control().tx_tail = tail;
    // Mostly plausible distances, at times any.
    vm.agent.control().tx_head = tail + (random() % 8 == 0 ? random() : random() % (ZB_TX_BYTES + 16));
    for (uint32_t i = 0; i < 64; i++)
      vm.agent.transmit_area()[(tail + i) % ZB_TX_BYTES] = static_cast<uint8_t>(random());
    (void)link.Drain(output);
    EXPECT(output.size() <= OutputQueue::kMaxBytes);
    ExpectWholeRecords(output);
  }
}

TEST(link_survives_records_that_are_nearly_right) {
  std::mt19937 random(777);
  for (int round = 0; round < 200; round++) {
    LinkedAgent vm;
    vm.agent.SetPositions(random());
    uint16_t execution = 0;
    for (int step = 0; step < 200; step++) {
      switch (random() % 8) {
        case 0:
          vm.Execute(static_cast<uint16_t>(1 + random() % 3), std::string(random() % 3000, 'c'));
          break;
        case 1:
          vm.link.Fill(vm.input);
          execution = vm.link.running();
          break;
        case 2:
          vm.agent.SendDone(execution);
          break;
        case 3:
          vm.link.Discard();
          break;
        case 4:
          (void)vm.output.Take(random() % OutputQueue::kMaxBytes);
          break;
        case 5:
          vm.link.ResetPositions();
          break;
        default: {
          const auto kind = static_cast<uint8_t>(ZB_GUEST_KIND_FIRST - 1 + random() % 10);
          const uint32_t length = random() % (random() % 16 == 0 ? ZB_MAX_GUEST_PAYLOAD + 100 : 2000);
          if (vm.link.TransmitSpace() < sizeof(zb_record) + length) break;
          vm.agent.Send(kind, random() % 8 == 0 ? static_cast<uint16_t>(random()) : execution,
                        std::string(length, 'x'));
        }
      }
      if (!vm.link.Drain(vm.output)) {
        EXPECT(!vm.link.violation().empty());
        break;
      }
      EXPECT(vm.output.size() <= OutputQueue::kMaxBytes);
      EXPECT(vm.link.TransmitSpace() <= ZB_TX_BYTES);
    }
    ExpectWholeRecords(vm.output);
  }
}

}  // namespace
}  // namespace zb
