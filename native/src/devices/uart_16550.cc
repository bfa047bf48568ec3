#include "devices/uart_16550.h"

namespace zb {
namespace {

// Register offsets and bits: National Semiconductor PC16550D datasheet.
constexpr uint16_t kData = 0;  // RBR/THR, DLL under DLAB
constexpr uint16_t kIer = 1;   // DLM under DLAB
constexpr uint16_t kIir = 2;   // FCR on write
constexpr uint16_t kLcr = 3;
constexpr uint16_t kMcr = 4;
constexpr uint16_t kLsr = 5;
constexpr uint16_t kMsr = 6;
constexpr uint16_t kScr = 7;

constexpr uint8_t kIerReceived = 0b0001;
constexpr uint8_t kIerThrEmpty = 0b0010;
constexpr uint8_t kIerMask = 0b1111;

constexpr uint8_t kIirNone = 0b0001;
constexpr uint8_t kIirThrEmpty = 0b0010;
constexpr uint8_t kIirReceived = 0b0100;
constexpr uint8_t kIirFifos = 0b1100'0000;

constexpr uint8_t kFcrEnable = 0b0001;
constexpr uint8_t kFcrClearReceiver = 0b0010;

constexpr uint8_t kLcrDlab = 0b1000'0000;

constexpr uint8_t kMcrDtr = 0b0001;
constexpr uint8_t kMcrRts = 0b0010;
constexpr uint8_t kMcrOut1 = 0b0100;
constexpr uint8_t kMcrOut2 = 0b1000;
constexpr uint8_t kMcrLoop = 0b0001'0000;

constexpr uint8_t kLsrDataReady = 0b0000'0001;
// The transmitter is always empty: a byte leaves in the exit that wrote it.
constexpr uint8_t kLsrTransmitterEmpty = 0b0110'0000;

constexpr uint8_t kMsrCts = 0b0001'0000;
constexpr uint8_t kMsrDsr = 0b0010'0000;
constexpr uint8_t kMsrRi = 0b0100'0000;
constexpr uint8_t kMsrDcd = 0b1000'0000;

}  // namespace

uint8_t Uart16550::InterruptIdentification() const {
  if ((state_.ier & kIerReceived) != 0 && !input_.empty()) return kIirReceived;
  if ((state_.ier & kIerThrEmpty) != 0 && state_.thre_pending != 0) return kIirThrEmpty;
  return kIirNone;
}

bool Uart16550::InterruptLine() const { return InterruptIdentification() != kIirNone; }

bool Uart16550::Receive(uint8_t byte) {
  if (input_.size() >= kMaxInput) return false;
  input_.push_back(byte);
  return true;
}

uint8_t Uart16550::Read(uint16_t offset) {
  const bool dlab = (state_.lcr & kLcrDlab) != 0;
  switch (offset) {
    case kData: {
      if (dlab) return state_.dll;
      if (input_.empty()) return 0;
      const uint8_t byte = input_.front();
      input_.pop_front();
      return byte;
    }
    case kIer:
      return dlab ? state_.dlm : state_.ier;
    case kIir: {
      const uint8_t identification = InterruptIdentification();
      // Reading IIR acknowledges a transmitter-empty interrupt, and only that one.
      if (identification == kIirThrEmpty) state_.thre_pending = 0;
      return identification | ((state_.fcr & kFcrEnable) != 0 ? kIirFifos : 0);
    }
    case kLcr:
      return state_.lcr;
    case kMcr:
      return state_.mcr;
    case kLsr:
      return kLsrTransmitterEmpty | (input_.empty() ? 0 : kLsrDataReady);
    case kMsr: {
      if ((state_.mcr & kMcrLoop) == 0) return kMsrCts | kMsrDsr | kMsrDcd;
      // Loop-back ties the outputs to the inputs; the driver's probe checks that they follow.
      uint8_t status = 0;
      if ((state_.mcr & kMcrRts) != 0) status |= kMsrCts;
      if ((state_.mcr & kMcrDtr) != 0) status |= kMsrDsr;
      if ((state_.mcr & kMcrOut1) != 0) status |= kMsrRi;
      if ((state_.mcr & kMcrOut2) != 0) status |= kMsrDcd;
      return status;
    }
    case kScr:
      return state_.scr;
    default:
      return 0xff;
  }
}

bool Uart16550::Write(uint16_t offset, uint8_t value) {
  const bool dlab = (state_.lcr & kLcrDlab) != 0;
  switch (offset) {
    case kData:
      if (dlab) {
        state_.dll = value;
        return false;
      }
      state_.thre_pending = 1;
      if ((state_.mcr & kMcrLoop) != 0) {
        Receive(value);
        return false;
      }
      return true;
    case kIer:
      if (dlab) {
        state_.dlm = value;
        return false;
      }
      // Enabling the transmitter-empty interrupt while it is empty raises it at once.
      if ((value & ~state_.ier & kIerThrEmpty) != 0) state_.thre_pending = 1;
      state_.ier = value & kIerMask;
      return false;
    case kIir:
      state_.fcr = value;
      if ((value & kFcrClearReceiver) != 0) input_.clear();
      return false;
    case kLcr:
      state_.lcr = value;
      return false;
    case kMcr:
      state_.mcr = value;
      return false;
    case kScr:
      state_.scr = value;
      return false;
    default:
      return false;
  }
}

}  // namespace zb
