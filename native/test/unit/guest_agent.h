// The agent's end of the link, without a guest: it writes the ring as guest/agents/link/link.c does, and also as no
// agent ever would.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>

#include "devices/link.h"
#include "fixtures.h"

namespace zb::test {

class GuestAgent {
 public:
  explicit GuestAgent(GuestMemory& memory)
      : ring_(memory.At(memory.layout().ring_gpa(), ZB_RING_BYTES)->data()),
        control_(reinterpret_cast<zb_ring_control*>(ring_)) {}

  zb_ring_control& control() { return *control_; }
  const uint8_t* received() const { return ring_ + ZB_RX_OFFSET; }
  uint8_t* transmit_area() { return ring_ + ZB_TX_OFFSET; }

  void SetPositions(uint32_t position) { control_->tx_head = control_->tx_tail = position; }

  // Bytes at the head, published.
  void Put(const void* bytes, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
      transmit_area()[(control_->tx_head + i) % ZB_TX_BYTES] = static_cast<const uint8_t*>(bytes)[i];
    }
    control_->tx_head += length;
  }
  void Send(uint8_t kind, uint16_t execution, const std::string& payload = "") {
    SendHeader(static_cast<uint32_t>(payload.size()), kind, execution);
    Put(payload.data(), static_cast<uint32_t>(payload.size()));
  }
  // A header that need not be true.
  void SendHeader(uint32_t length, uint8_t kind, uint16_t execution) {
    const zb_record record{.length = length, .kind = kind, .flags = 0, .execution = execution};
    Put(&record, sizeof(record));
  }
  void SendDone(uint16_t execution) {
    const zb_done done{.status = ZB_DONE_OK, .flags = 0, .reserved = 0, .exit_code = 0, .execution_count = 1};
    Send(ZB_GUEST_DONE, execution, std::string(reinterpret_cast<const char*>(&done), sizeof(done)));
  }

 private:
  uint8_t* ring_;
  zb_ring_control* control_;
};

struct ReadRecord {
  zb_record header;
  std::string payload;
};

// The next record of a queue; kind 0 when it is empty.
inline ReadRecord Next(OutputQueue& queue) {
  const std::vector<uint8_t> bytes = queue.Take(0);
  ReadRecord record{};
  if (bytes.empty()) return record;
  std::memcpy(&record.header, bytes.data(), sizeof(record.header));
  record.payload.assign(bytes.begin() + sizeof(record.header), bytes.end());
  return record;
}

// A link and the agent at its other end.
struct LinkedAgent {
  TestMemory memory;
  GuestAgent agent{memory.get()};
  Link link{memory.get()};
  InputQueue input;
  OutputQueue output;

  void Execute(uint16_t execution, const std::string& code = "pass") {
    input.Push(ZB_HOST_EXECUTE, 0, execution, {reinterpret_cast<const uint8_t*>(code.data()), code.size()});
  }
  void Start(uint16_t execution) {
    Execute(execution);
    link.Fill(input);
  }
  // Whether the engine ends the VM over what is in the ring.
  bool Violates() { return !link.Drain(output).has_value() && !link.violation().empty(); }
};

}  // namespace zb::test
