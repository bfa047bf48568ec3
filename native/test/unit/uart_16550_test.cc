#include "devices/uart_16550.h"

#include "harness.h"

namespace zb {
namespace {

// PC16550D datasheet.
constexpr uint16_t kData = 0, kIer = 1, kIir = 2, kFcr = 2, kLcr = 3, kMcr = 4, kLsr = 5, kMsr = 6, kScr = 7;
constexpr uint8_t kDlab = 0x80, kLoop = 0x10;
constexpr uint8_t kIerReceived = 1, kIerThrEmpty = 2;
constexpr uint8_t kIirNone = 1, kIirThrEmpty = 2, kIirReceived = 4, kIirFifos = 0xc0;
constexpr uint8_t kDataReady = 1;

TEST(uart_transmits_what_is_written_to_thr) {
  Uart16550 uart;
  EXPECT(uart.Write(kData, 'x'));
  EXPECT_EQ(uart.Read(kLsr), 0x60);
}

TEST(uart_receives_in_order_and_says_when_there_is_nothing) {
  Uart16550 uart;
  EXPECT_EQ(uart.Read(kData), 0);
  EXPECT(uart.Receive('a'));
  EXPECT(uart.Receive('b'));
  EXPECT_EQ(uart.Read(kLsr) & kDataReady, kDataReady);
  EXPECT_EQ(uart.Read(kData), 'a');
  EXPECT_EQ(uart.Read(kData), 'b');
  EXPECT_EQ(uart.Read(kLsr) & kDataReady, 0);
}

TEST(uart_dlab_shows_the_divisor_and_hides_data_and_ier) {
  Uart16550 uart;
  uart.Write(kIer, 0x05);
  uart.Receive('a');
  uart.Write(kLcr, kDlab | 3);
  EXPECT(!uart.Write(kData, 0x34));
  EXPECT(!uart.Write(kIer, 0x12));
  EXPECT_EQ(uart.Read(kData), 0x34);
  EXPECT_EQ(uart.Read(kIer), 0x12);
  uart.Write(kLcr, 3);
  EXPECT_EQ(uart.Read(kIer), 0x05);
  EXPECT_EQ(uart.Read(kData), 'a');
}

TEST(uart_ier_keeps_four_bits) {
  Uart16550 uart;
  uart.Write(kIer, 0xff);
  EXPECT_EQ(uart.Read(kIer), 0x0f);
}

TEST(uart_line_follows_what_is_enabled) {
  Uart16550 uart;
  uart.Receive('a');
  EXPECT(!uart.InterruptLine());
  EXPECT_EQ(uart.Read(kIir), kIirNone);
  uart.Write(kIer, kIerReceived);
  EXPECT(uart.InterruptLine());
  EXPECT_EQ(uart.Read(kIir), kIirReceived);
  (void)uart.Read(kData);
  EXPECT(!uart.InterruptLine());
}

TEST(uart_received_data_goes_before_an_empty_transmitter) {
  Uart16550 uart;
  uart.Write(kIer, kIerReceived | kIerThrEmpty);
  uart.Receive('a');
  EXPECT_EQ(uart.Read(kIir), kIirReceived);
  // Reading IIR acknowledges the transmitter only when it was what IIR named.
  (void)uart.Read(kData);
  EXPECT_EQ(uart.Read(kIir), kIirThrEmpty);
  EXPECT_EQ(uart.Read(kIir), kIirNone);
}

TEST(uart_thr_empty_is_raised_by_enabling_it_and_by_each_byte) {
  Uart16550 uart;
  uart.Write(kIer, kIerThrEmpty);
  EXPECT(uart.InterruptLine());
  EXPECT_EQ(uart.Read(kIir), kIirThrEmpty);
  EXPECT(!uart.InterruptLine());
  // Enabled already: writing IER again is no event.
  uart.Write(kIer, kIerThrEmpty);
  EXPECT(!uart.InterruptLine());
  uart.Write(kData, 'x');
  EXPECT(uart.InterruptLine());
}

TEST(uart_identifies_itself_as_16550a_once_its_fifos_are_on) {
  Uart16550 uart;
  EXPECT_EQ(uart.Read(kIir) & kIirFifos, 0);
  uart.Write(kFcr, 1);
  EXPECT_EQ(uart.Read(kIir) & kIirFifos, kIirFifos);
  uart.Write(kFcr, 0);
  EXPECT_EQ(uart.Read(kIir) & kIirFifos, 0);
}

TEST(uart_fifo_reset_forgets_what_was_received) {
  Uart16550 uart;
  uart.Write(kIer, kIerReceived);
  uart.Receive('a');
  uart.Write(kFcr, 1 | 4);  // the transmitter's
  EXPECT(uart.InterruptLine());
  uart.Write(kFcr, 1 | 2);  // the receiver's
  EXPECT(!uart.InterruptLine());
  EXPECT_EQ(uart.Read(kLsr) & kDataReady, 0);
}

TEST(uart_loop_back_ties_outputs_to_inputs) {
  Uart16550 uart;
  EXPECT_EQ(uart.Read(kMsr), 0xb0);
  uart.Write(kMcr, kLoop | 0x0a);  // RTS and OUT2, as Linux probes
  EXPECT_EQ(uart.Read(kMsr), 0x90);
  uart.Write(kMcr, kLoop | 0x05);  // DTR and OUT1
  EXPECT_EQ(uart.Read(kMsr), 0x60);
  EXPECT(!uart.Write(kData, 'l'));
  EXPECT_EQ(uart.Read(kData), 'l');
}

TEST(uart_input_is_bounded_also_by_loop_back) {
  Uart16550 uart;
  for (size_t i = 0; i < Uart16550::kMaxInput; i++) EXPECT(uart.Receive('a'));
  EXPECT(!uart.Receive('a'));
  uart.Write(kMcr, kLoop);
  for (int i = 0; i < 10000; i++) uart.Write(kData, 'b');
  size_t received = 0;
  for (; (uart.Read(kLsr) & kDataReady) != 0; received++) EXPECT_EQ(uart.Read(kData), 'a');
  EXPECT_EQ(received, Uart16550::kMaxInput);
}

TEST(uart_has_nothing_outside_its_eight_registers) {
  Uart16550 uart;
  EXPECT_EQ(uart.Read(8), 0xff);
  EXPECT_EQ(uart.Read(0xffff), 0xff);
  EXPECT(!uart.Write(8, 1));
  EXPECT(!uart.Write(0xffff, 1));
}

TEST(uart_restores_what_a_driver_relies_on) {
  Uart16550 uart;
  uart.Write(kLcr, kDlab);
  uart.Write(kData, 1);
  uart.Write(kIer, 2);
  uart.Write(kLcr, 3);
  uart.Write(kFcr, 1);
  uart.Write(kMcr, 0x0b);
  uart.Write(kScr, 0x5a);
  uart.Write(kIer, kIerReceived | kIerThrEmpty);

  Uart16550 copy;
  copy.Receive('z');
  copy.Restore(uart.Save());
  // An interrupt that was pending is pending; input of another life is not.
  EXPECT(copy.InterruptLine());
  EXPECT_EQ(copy.Read(kIir), kIirThrEmpty | kIirFifos);
  EXPECT_EQ(copy.Read(kLsr) & kDataReady, 0);
  EXPECT_EQ(copy.Read(kIer), kIerReceived | kIerThrEmpty);
  EXPECT_EQ(copy.Read(kLcr), 3);
  EXPECT_EQ(copy.Read(kMcr), 0x0b);
  EXPECT_EQ(copy.Read(kScr), 0x5a);
  copy.Write(kLcr, kDlab);
  EXPECT_EQ(copy.Read(kData), 1);
  EXPECT_EQ(copy.Read(kIer), 2);
}

}  // namespace
}  // namespace zb
