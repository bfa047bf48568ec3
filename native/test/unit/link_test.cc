#include "devices/link.h"

#include "guest_agent.h"
#include "harness.h"

namespace zb {
namespace {

using test::LinkedAgent;
using test::Next;

// ---- what an agent does ----

TEST(link_keeps_ready_to_itself) {
  LinkedAgent vm;
  vm.agent.Send(ZB_GUEST_READY, 0, "CPython 3.11.2");
  EXPECT_EQ(vm.link.Drain(vm.output), std::optional<size_t>(0));
  EXPECT(vm.link.ready());
  EXPECT_EQ(vm.link.runtime(), "CPython 3.11.2");
  EXPECT(vm.output.empty());
}

TEST(link_moves_a_cells_records_in_order) {
  LinkedAgent vm;
  vm.agent.Send(ZB_GUEST_IDENTITY, 0);
  vm.Start(9);
  vm.agent.Send(ZB_GUEST_STDOUT, 9, "out");
  vm.agent.Send(ZB_GUEST_STDERR, 9, "err");
  vm.agent.Send(ZB_GUEST_STDOUT, 0, "a thread's");
  vm.agent.SendDone(9);
  EXPECT(vm.link.Drain(vm.output).has_value());
  EXPECT(vm.link.identified());
  EXPECT_EQ(vm.link.running(), 0);
  EXPECT_EQ(vm.agent.control().tx_head, vm.agent.control().tx_tail);
  EXPECT_EQ(Next(vm.output).header.kind, ZB_GUEST_IDENTITY);
  EXPECT_EQ(Next(vm.output).payload, "out");
  EXPECT_EQ(Next(vm.output).payload, "err");
  EXPECT_EQ(Next(vm.output).payload, "a thread's");
  EXPECT_EQ(Next(vm.output).header.kind, ZB_GUEST_DONE);
  EXPECT(vm.output.empty());
}

TEST(link_wraps_at_the_end_of_the_ring_and_of_32_bits) {
  // Ring positions of every kind of split: in the header, at its end, in the payload; the last ones also wrap 2^32.
  const std::string text = "twelve bytes";
  const auto record = static_cast<uint32_t>(sizeof(zb_record) + text.size());
  for (const uint32_t end : {ZB_TX_BYTES, 0u}) {
    for (uint32_t before = 0; before <= record; before++) {
      LinkedAgent vm;
      vm.Start(1);
      vm.agent.SetPositions(end - before);
      vm.agent.Send(ZB_GUEST_STDOUT, 1, text);
      EXPECT_EQ(vm.link.Drain(vm.output), std::optional<size_t>(record));
      EXPECT_EQ(Next(vm.output).payload, text);
      EXPECT_EQ(vm.link.TransmitSpace(), ZB_TX_BYTES);
    }
  }
}

// ---- interrupts ----

TEST(link_notes_an_interrupt_for_the_running_cell_only) {
  LinkedAgent vm;
  EXPECT(!vm.link.NoteInterrupt(0, false));
  EXPECT(!vm.link.NoteInterrupt(7, false));
  vm.Start(7);
  EXPECT(!vm.link.NoteInterrupt(8, false));
  EXPECT_EQ(vm.agent.control().interrupt_seq, 0u);
  EXPECT(vm.link.NoteInterrupt(7, false));
  EXPECT_EQ(vm.agent.control().interrupt_seq, 1u);
  EXPECT_EQ(vm.agent.control().interrupt_execution, 7u);
  vm.agent.SendDone(7);
  EXPECT(vm.link.Drain(vm.output).has_value());
  EXPECT(!vm.link.NoteInterrupt(7, false));
  EXPECT(!vm.link.NoteInterrupt(7, true));
}

TEST(link_repeats_an_interrupt_until_it_is_seen) {
  LinkedAgent vm;
  vm.Start(7);
  // Nothing to repeat: it counts as new.
  EXPECT(vm.link.NoteInterrupt(7, true));
  EXPECT_EQ(vm.agent.control().interrupt_seq, 1u);
  EXPECT(vm.link.NoteInterrupt(7, true));
  EXPECT_EQ(vm.agent.control().interrupt_seq, 1u);
  vm.agent.control().interrupt_seen = 1;
  EXPECT(!vm.link.NoteInterrupt(7, true));
  EXPECT(vm.link.NoteInterrupt(7, false));
  EXPECT_EQ(vm.agent.control().interrupt_seq, 2u);
  // What the agent writes where it should not is not believed.
  vm.agent.control().interrupt_seq = 99;
  vm.agent.control().interrupt_execution = 99;
  EXPECT(vm.link.NoteInterrupt(7, true));
  EXPECT_EQ(vm.agent.control().interrupt_seq, 2u);
  EXPECT_EQ(vm.agent.control().interrupt_execution, 7u);
}

TEST(link_forgets_interrupts_when_an_execution_id_is_used_again) {
  LinkedAgent vm;
  vm.Start(7);
  EXPECT(vm.link.NoteInterrupt(7, false));
  EXPECT(vm.link.NoteKill(7));
  EXPECT_EQ(vm.agent.control().kill_execution, 7u);
  vm.agent.SendDone(7);
  EXPECT(vm.link.Drain(vm.output).has_value());
  EXPECT(!vm.link.NoteKill(7));
  vm.Start(7);
  EXPECT_EQ(vm.agent.control().interrupt_execution, 0u);
  EXPECT_EQ(vm.agent.control().kill_execution, 0u);
  EXPECT(!vm.link.NoteKill(0));
}

TEST(link_believes_once_that_the_agent_is_alone) {
  LinkedAgent vm;
  EXPECT(!vm.link.TakeFoundAlone());
  vm.link.AskWhetherAlone();
  EXPECT_EQ(vm.agent.control().others, 1u);
  EXPECT(!vm.link.TakeFoundAlone());
  vm.link.AskWhetherAlone();
  vm.agent.control().others = 0;
  EXPECT(vm.link.TakeFoundAlone());
  EXPECT(!vm.link.TakeFoundAlone());
}

TEST(link_knows_that_the_runtime_goes_on_by_itself) {
  LinkedAgent vm;
  EXPECT(!vm.link.AgentIsBusy());
  vm.agent.control().agent_busy = 1;
  EXPECT(vm.link.AgentIsBusy());
}

TEST(link_drains_a_ring_full_to_the_last_byte) {
  LinkedAgent vm;
  vm.Start(1);
  vm.agent.SetPositions(0xffff1234);
  const std::string text(ZB_TX_BYTES / 8 - sizeof(zb_record), 'x');
  for (int i = 0; i < 8; i++) vm.agent.Send(ZB_GUEST_STDOUT, 1, text);
  EXPECT_EQ(vm.link.TransmitSpace(), 0);
  EXPECT_EQ(vm.link.Drain(vm.output), std::optional<size_t>(ZB_TX_BYTES));
}

TEST(link_resets_positions_only_when_drained) {
  LinkedAgent vm;
  vm.agent.SetPositions(5000);
  vm.link.ResetPositions();
  EXPECT_EQ(vm.agent.control().tx_head, 0);
  EXPECT_EQ(vm.agent.control().tx_tail, 0);
  vm.agent.Send(ZB_GUEST_STDOUT, 0, "x");
  vm.link.ResetPositions();
  EXPECT_EQ(vm.agent.control().tx_head, sizeof(zb_record) + 1);
}

TEST(link_leaves_in_the_ring_what_does_not_fit) {
  LinkedAgent vm;
  vm.Start(1);
  const std::string text(ZB_MAX_GUEST_PAYLOAD, 'x');
  size_t queued = 0;
  while (vm.output.Fits(sizeof(zb_record) + text.size())) {
    vm.agent.Send(ZB_GUEST_STDOUT, 1, text);
    EXPECT(vm.link.Drain(vm.output).has_value());
    queued++;
  }
  vm.agent.Send(ZB_GUEST_STDOUT, 1, text);
  vm.agent.SendDone(1);
  EXPECT_EQ(vm.link.Drain(vm.output), std::optional<size_t>(0));
  EXPECT(vm.link.TransmitSpace() < ZB_TX_BYTES);
  EXPECT_EQ(vm.link.running(), 1);
  // Once somebody has read, it follows, and nothing is missing.
  for (size_t i = 0; i < queued; i++) EXPECT_EQ(Next(vm.output).payload.size(), text.size());
  EXPECT(vm.link.Drain(vm.output).has_value());
  EXPECT_EQ(Next(vm.output).payload.size(), text.size());
  const auto done = Next(vm.output);
  EXPECT_EQ(done.header.kind, ZB_GUEST_DONE);
  EXPECT_EQ(static_cast<uint8_t>(done.payload[1]) & ZB_DONE_TRUNCATED, 0);
}

TEST(link_discards_what_does_not_fit_and_says_so) {
  LinkedAgent vm;
  vm.Start(1);
  vm.link.Discard();
  const std::string text(ZB_MAX_GUEST_PAYLOAD, 'x');
  const size_t fit = OutputQueue::kMaxBytes / (sizeof(zb_record) + text.size());
  for (int i = 0; i < 100; i++) {
    vm.agent.Send(ZB_GUEST_STDOUT, 1, text);
    EXPECT(vm.link.Drain(vm.output).has_value());
    EXPECT_EQ(vm.link.TransmitSpace(), ZB_TX_BYTES);
  }
  EXPECT(vm.output.size() <= OutputQueue::kMaxBytes);
  // It would fit, and stand where a long one is missing.
  vm.agent.Send(ZB_GUEST_STDOUT, 1, "short");
  vm.agent.SendDone(1);
  EXPECT(vm.link.Drain(vm.output).has_value());
  for (size_t i = 0; i < fit; i++) EXPECT_EQ(Next(vm.output).header.kind, ZB_GUEST_STDOUT);
  const auto done = Next(vm.output);
  EXPECT_EQ(done.header.kind, ZB_GUEST_DONE);
  EXPECT_EQ(static_cast<uint8_t>(done.payload[1]), ZB_DONE_TRUNCATED);
}

TEST(link_discards_for_one_cell_only) {
  LinkedAgent vm;
  // No cell runs: there is nothing to discard, now or later.
  vm.link.Discard();
  vm.Start(1);
  vm.link.Discard();
  vm.agent.SendDone(1);
  EXPECT(vm.link.Drain(vm.output).has_value());
  // It discarded nothing, so nothing is said.
  EXPECT_EQ(static_cast<uint8_t>(Next(vm.output).payload[1]), 0);
  vm.Start(2);
  const std::string text(ZB_MAX_GUEST_PAYLOAD, 'x');
  while (vm.output.Fits(sizeof(zb_record) + text.size())) {
    vm.agent.Send(ZB_GUEST_STDOUT, 2, text);
    EXPECT(vm.link.Drain(vm.output).has_value());
  }
  vm.agent.Send(ZB_GUEST_STDOUT, 2, text);
  EXPECT_EQ(vm.link.Drain(vm.output), std::optional<size_t>(0));
}

TEST(link_never_discards_control_records) {
  LinkedAgent vm;
  vm.Start(1);
  vm.link.Discard();
  const std::string text(ZB_MAX_GUEST_PAYLOAD, 'x');
  for (int i = 0; i < 20; i++) {
    vm.agent.Send(ZB_GUEST_STDOUT, 1, text);
    EXPECT(vm.link.Drain(vm.output).has_value());
  }
  vm.agent.Send(ZB_GUEST_RESULT, 1, text);
  EXPECT_EQ(vm.link.Drain(vm.output), std::optional<size_t>(0));
  EXPECT(vm.link.TransmitSpace() < ZB_TX_BYTES);
}

// ---- what the host hands over ----

TEST(link_fills_a_large_record_in_pieces) {
  LinkedAgent vm;
  std::string code;
  for (uint32_t i = 0; i < 3 * ZB_RX_BYTES; i++) code.push_back(static_cast<char>(i * 7));
  vm.Execute(4, code);
  std::string stream;
  int pieces = 0;
  while (vm.link.CanFill(vm.input)) {
    const uint32_t bytes = vm.link.Fill(vm.input);
    EXPECT(bytes > 0 && bytes <= ZB_RX_BYTES);
    stream.append(reinterpret_cast<const char*>(vm.agent.received()), bytes);
    pieces++;
  }
  EXPECT_EQ(pieces, 4);
  EXPECT_EQ(vm.link.running(), 4);
  zb_record header{};
  std::memcpy(&header, stream.data(), sizeof(header));
  EXPECT_EQ(header.length, code.size());
  EXPECT(stream.substr(sizeof(header)) == code);
}

TEST(link_gives_one_cell_at_a_time) {
  LinkedAgent vm;
  vm.Execute(1);
  vm.Execute(2);
  EXPECT_EQ(vm.link.Fill(vm.input), sizeof(zb_record) + 4);
  EXPECT_EQ(vm.link.running(), 1);
  EXPECT(!vm.link.CanFill(vm.input));
  EXPECT_EQ(vm.link.Fill(vm.input), 0);
  vm.agent.SendDone(1);
  EXPECT(vm.link.Drain(vm.output).has_value());
  EXPECT(vm.link.CanFill(vm.input));
  vm.link.Fill(vm.input);
  EXPECT_EQ(vm.link.running(), 2);
}

TEST(link_gives_input_to_the_running_cell_and_the_next_cells_variables_later) {
  LinkedAgent vm;
  vm.Start(1);
  vm.input.Push(ZB_HOST_STDIN, 0, 1, {});
  EXPECT(vm.link.CanFill(vm.input));
  EXPECT_EQ(vm.link.Fill(vm.input), sizeof(zb_record));
  vm.input.Push(ZB_HOST_ENV, 0, 2, {});
  EXPECT(!vm.link.CanFill(vm.input));
  vm.agent.SendDone(1);
  EXPECT(vm.link.Drain(vm.output).has_value());
  EXPECT(vm.link.CanFill(vm.input));
}

TEST(link_gives_input_alone_while_a_cell_runs) {
  LinkedAgent vm;
  const std::vector<uint8_t> bytes(ZB_RX_BYTES, 'i');
  const auto push = [&](uint8_t kind, uint16_t execution) { return vm.input.Push(kind, 0, execution, bytes); };
  EXPECT(push(ZB_HOST_STDIN, 1));
  EXPECT(!vm.link.CanFillInput(vm.input));
  EXPECT_EQ(vm.link.FillInput(vm.input), 0u);
  vm.link.Fill(vm.input);
  vm.link.Fill(vm.input);
  vm.Start(2);
  EXPECT(!vm.link.CanFillInput(vm.input));
  EXPECT(push(ZB_HOST_STDIN, 2));
  EXPECT(push(ZB_HOST_STDIN, 2));
  EXPECT(push(ZB_HOST_ENV, 3));
  // Two records in three pieces, with the first one's end and the second one's header in the middle one.
  EXPECT_EQ(vm.link.FillInput(vm.input), ZB_RX_BYTES);
  EXPECT_EQ(vm.link.FillInput(vm.input), ZB_RX_BYTES);
  EXPECT_EQ(vm.link.FillInput(vm.input), 2 * sizeof(zb_record));
  EXPECT(!vm.link.CanFillInput(vm.input));
  EXPECT_EQ(vm.link.FillInput(vm.input), 0u);
}

TEST(link_state_survives_a_fork) {
  LinkedAgent parent;
  parent.agent.Send(ZB_GUEST_READY, 0, "x");
  EXPECT(parent.link.Drain(parent.output).has_value());
  LinkedAgent fork;
  fork.link.Restore(parent.link.Save());
  EXPECT(fork.link.ready());
  fork.agent.Send(ZB_GUEST_READY, 0, "x");
  EXPECT(fork.Violates());
}

// ---- what no agent does ----

TEST(link_refuses_positions_further_apart_than_the_ring) {
  for (const uint32_t tail : {0u, 1u, 0x80000000u, 0xffffffffu}) {
    LinkedAgent vm;
    vm.agent.control().tx_tail = tail;
    vm.agent.control().tx_head = tail + ZB_TX_BYTES + 1;
    EXPECT(vm.Violates());
  }
  LinkedAgent behind;
  behind.agent.control().tx_tail = 8;
  EXPECT(behind.Violates());
}

TEST(link_refuses_half_a_header) {
  for (uint32_t bytes = 1; bytes < sizeof(zb_record); bytes++) {
    LinkedAgent vm;
    const zb_record record{.length = 0, .kind = ZB_GUEST_STDOUT, .flags = 0, .execution = 0};
    vm.agent.Put(&record, bytes);
    EXPECT(vm.Violates());
    EXPECT_EQ(vm.link.violation(), "half a record header");
  }
}

TEST(link_refuses_half_a_record) {
  LinkedAgent vm;
  vm.agent.SendHeader(10, ZB_GUEST_STDOUT, 0);
  vm.agent.Put("123456789", 9);
  EXPECT(vm.Violates());
  EXPECT_EQ(vm.link.violation(), "half a record");
  EXPECT(vm.output.empty());
}

TEST(link_refuses_lengths_over_the_limit) {
  for (const uint32_t length :
       {ZB_MAX_GUEST_PAYLOAD + 1, ZB_TX_BYTES, 0x80000000u, 0xfffffff7u, 0xfffffff8u, 0xffffffffu}) {
    LinkedAgent vm;
    vm.Start(1);
    vm.agent.SendHeader(length, ZB_GUEST_STDOUT, 1);
    EXPECT(vm.Violates());
    EXPECT(vm.output.empty());
  }
}

TEST(link_refuses_kinds_it_does_not_know) {
  for (unsigned kind = 0; kind < 256; kind++) {
    if (kind >= ZB_GUEST_KIND_FIRST && kind <= ZB_GUEST_KIND_LAST) continue;
    LinkedAgent vm;
    vm.agent.Send(static_cast<uint8_t>(kind), 0, "x");
    EXPECT(vm.Violates());
  }
}

TEST(link_refuses_records_of_a_cell_that_does_not_run) {
  for (unsigned kind = ZB_GUEST_STDOUT; kind <= ZB_GUEST_DONE; kind++) {
    LinkedAgent idle;
    idle.agent.Send(static_cast<uint8_t>(kind), 1, std::string(sizeof(zb_done), '\0'));
    EXPECT(idle.Violates());
    LinkedAgent busy;
    busy.Start(2);
    busy.agent.Send(static_cast<uint8_t>(kind), 3, std::string(sizeof(zb_done), '\0'));
    EXPECT(busy.Violates());
  }
}

TEST(link_refuses_results_that_belong_to_no_cell) {
  for (const uint8_t kind : {ZB_GUEST_RESULT, ZB_GUEST_ERROR, ZB_GUEST_INPUT_REQUEST, ZB_GUEST_DONE}) {
    LinkedAgent vm;
    vm.Start(2);
    vm.agent.Send(kind, 0, std::string(sizeof(zb_done), '\0'));
    EXPECT(vm.Violates());
  }
}

TEST(link_refuses_a_second_ready_identity_and_done) {
  LinkedAgent ready;
  ready.agent.Send(ZB_GUEST_READY, 0, "x");
  ready.agent.Send(ZB_GUEST_READY, 0, "x");
  EXPECT(ready.Violates());
  LinkedAgent identity;
  identity.agent.Send(ZB_GUEST_IDENTITY, 0);
  identity.agent.Send(ZB_GUEST_IDENTITY, 0);
  EXPECT(identity.Violates());
  LinkedAgent done;
  done.Start(1);
  done.agent.SendDone(1);
  done.agent.SendDone(1);
  EXPECT(done.Violates());
}

TEST(link_refuses_a_done_of_another_size) {
  for (const size_t bytes : {size_t{0}, size_t{1}, sizeof(zb_done) - 1, sizeof(zb_done) + 1}) {
    LinkedAgent vm;
    vm.Start(1);
    vm.agent.Send(ZB_GUEST_DONE, 1, std::string(bytes, '\0'));
    EXPECT(vm.Violates());
  }
}

TEST(link_keeps_what_came_before_a_violation) {
  LinkedAgent vm;
  vm.Start(1);
  vm.agent.Send(ZB_GUEST_STDOUT, 1, "last words");
  vm.agent.Send(0x42, 1);
  EXPECT(vm.Violates());
  EXPECT_EQ(Next(vm.output).payload, "last words");
}

}  // namespace
}  // namespace zb
