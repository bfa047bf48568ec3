//   beginInput(execution, isOpen), endInput()  standard input of a cell
//   takeInput() -> Buffer | null | undefined   what has come; null: its end; undefined: nothing yet
//   requestInput(prompt)                       asks the client
//   awaitInput(loopIsAlive) -> boolean         whether something came; false: an interrupt, or the wake-up line tells
//   dropInput()                                nobody waits for it any more
#include <node_buffer.h>

#include <cerrno>

#include "calls.h"

extern "C" {
#include "input.h"
#include "interrupt.h"
#include "link.h"
#include "others.h"
#include "records.h"
}

namespace zb {
namespace {

// While somebody waits for input the stream is the agent's, and not fed to descriptor 0.
bool held;

void Hold() {
  if (!held) zb_input_enter();
  held = true;
}

void Drop() {
  if (held) zb_input_leave();
  held = false;
}

void BeginInput(Args args) {
  const bool open = args[1]->IsTrue();
  size_t length = 0;
  // Behind the EXECUTE of a cell with input there is nothing but its input.
  const uint8_t *records = open ? zb_records_take_rest(&length) : nullptr;
  zb_input_begin(static_cast<uint16_t>(Number(args, 0)), open, records, length);
}

void EndInput(Args) {
  held = false;
  zb_input_end();
}

bool IsThere() { return zb_input_available() || zb_input_at_end(); }

void TakeInput(Args args) {
  v8::Isolate *isolate = args.GetIsolate();
  if (zb_input_execution() == 0) return args.GetReturnValue().SetNull();
  Hold();
  if (zb_input_take_back() < 0) return ThrowErrno(isolate, "stdin");
  if (!IsThere()) {
    const uint32_t answer = zb_link_poll(ZB_REG_RX_TAKE);
    zb_input_feed(zb_link_received(), answer);
  }
  size_t length = 0;
  const uint8_t *bytes = zb_input_take(ZB_MAX_HOST_PAYLOAD, 1, &length);
  if (bytes != nullptr) {
    v8::Local<v8::Object> buffer;
    if (node::Buffer::Copy(isolate, reinterpret_cast<const char *>(bytes), length).ToLocal(&buffer)) {
      args.GetReturnValue().Set(buffer);
    }
    Drop();
  } else if (zb_input_at_end()) {
    args.GetReturnValue().SetNull();
    Drop();
  }
}

void RequestInput(Args args) {
  const Bytes prompt(args.GetIsolate(), args[0]);
  size_t sent;
  const uint16_t execution = zb_input_execution();
  if (execution != 0) zb_link_send(ZB_GUEST_INPUT_REQUEST, 0, 0, execution, prompt.data(), prompt.size(), 1, &sent);
}

void AwaitInput(Args args) {
  const bool alive = args[0]->IsTrue();
  zb_link_control()->agent_busy = alive;
  args.GetReturnValue().Set(true);
  while (!IsThere()) {
    const uint32_t answer = zb_link_poll(ZB_REG_RX_INPUT);
    if (answer == ZB_RX_WAIT) {
      if (alive) return args.GetReturnValue().Set(false);
      if (!zb_others_live()) {
        zb_link_control()->others = 0;
        continue;
      }
      if (zb_input_wait() < 0 && errno != EINTR) return ThrowErrno(args.GetIsolate(), "stdin");
      zb_input_woken();
    } else if (answer != 0) {
      zb_input_feed(zb_link_received(), answer);
      continue;
    }
    zb_interrupt_kill();
    if (zb_interrupt_due()) return args.GetReturnValue().Set(false);
  }
}

void DropInput(Args) { Drop(); }

}  // namespace

void AddInputCalls(v8::Local<v8::Object> exports) {
  Define(exports, "beginInput", BeginInput);
  Define(exports, "endInput", EndInput);
  Define(exports, "takeInput", TakeInput);
  Define(exports, "requestInput", RequestInput);
  Define(exports, "awaitInput", AwaitInput);
  Define(exports, "dropInput", DropInput);
}

}  // namespace zb
