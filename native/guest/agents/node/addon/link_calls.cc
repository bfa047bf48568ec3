//   open()                                   maps the link, puts descriptors 1 and 2 in place
//   receive(loopIsAlive) -> record           the next from the host, or undefined: the wake-up line tells
//   send(kind, flags, execution, data)       one control payload
//   write(kind, data)                        output of the running cell
#include <node_buffer.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>

#include "calls.h"

extern "C" {
#include "capture.h"
#include "identity.h"
#include "input.h"
#include "interrupt.h"
#include "link.h"
#include "others.h"
#include "records.h"
}

namespace zb {
namespace {

uint16_t output_execution;
v8::Eternal<v8::Name> kind_name, flags_name, execution_name, payload_name;

void Open(Args args) {
  v8::Isolate *isolate = args.GetIsolate();
  uv_loop_t *loop = node::GetCurrentEventLoop(isolate);
  // Last what counts the threads there are: those of Node and of the addon are the agent's own.
  if (zb_records_open() < 0 || zb_identity_open() < 0 || zb_link_open() < 0 || zb_capture_open() < 0 ||
      zb_interrupt_open() < 0 || OpenInterrupts(isolate, loop) < 0 || zb_input_open() < 0 || zb_others_open() < 0) {
    ThrowErrno(isolate, "link");
  }
}

// Sends all of it, however often the host breaks the wait for room off.
int SendAll(uint8_t kind, uint8_t flags, uint8_t more, uint16_t execution, const char *data, size_t length,
            int control) {
  size_t done = 0;
  for (;;) {
    size_t sent = 0;
    const int result = zb_link_send(kind, flags, more, execution, data + done, length - done, control, &sent);
    const int error = errno;
    zb_capture_settle();
    done += sent;
    if (result == 0) return 0;
    errno = error;
    if (error != EINTR) return -1;
    zb_interrupt_kill();
  }
}

void Send(Args args) {
  const Bytes bytes(args.GetIsolate(), args[3]);
  if (SendControl(static_cast<uint8_t>(Number(args, 0)), static_cast<uint8_t>(Number(args, 1)),
                  static_cast<uint16_t>(Number(args, 2)), bytes.data(), bytes.size()) < 0) {
    ThrowErrno(args.GetIsolate(), "send");
  }
}

void Write(Args args) {
  const Bytes bytes(args.GetIsolate(), args[1]);
  if (bytes.size() == 0) return;
  if (SendAll(static_cast<uint8_t>(Number(args, 0)), 0, 0, output_execution, bytes.data(), bytes.size(), 0) < 0) {
    ThrowErrno(args.GetIsolate(), "write");
  }
}

// The oldest record, if it is a fork's identity. Another may follow in the same answer of RX.
void TakeIdentityRecord() {
  zb_record record;
  const uint8_t *payload = zb_records_peek(&record);
  if (payload == nullptr || record.kind != ZB_HOST_IDENTITY) return;
  TakeIdentity(record.flags, payload, record.length);
  zb_records_drop();
  if (SendControl(ZB_GUEST_IDENTITY, 0, 0, "", 0) < 0) _exit(ZB_IDENTITY_REFUSED);
}

// A cell's source and a variable are text; a question begins with a number.
v8::MaybeLocal<v8::Value> Payload(v8::Isolate *isolate, const zb_record &record, const uint8_t *payload) {
  constexpr uint8_t kQuestions = ZB_EXECUTE_COMPLETE | ZB_EXECUTE_CHECK | ZB_EXECUTE_INSPECT;
  const auto *bytes = reinterpret_cast<const char *>(payload);
  if (record.kind == ZB_HOST_EXECUTE && (record.flags & kQuestions) != 0) {
    return node::Buffer::Copy(isolate, bytes, record.length).FromMaybe(v8::Local<v8::Object>());
  }
  return v8::String::NewFromUtf8(isolate, bytes, v8::NewStringType::kNormal, static_cast<int>(record.length))
      .FromMaybe(v8::Local<v8::String>());
}

// {kind, flags, execution, payload} of the oldest record; false while there is no whole one.
bool TakeRecord(Args args) {
  v8::Isolate *isolate = args.GetIsolate();
  zb_record record;
  const uint8_t *bytes = zb_records_peek(&record);
  if (bytes == nullptr) return false;
  v8::Local<v8::Value> payload;
  if (!Payload(isolate, record, bytes).ToLocal(&payload)) return true;
  v8::Local<v8::Name> names[] = {kind_name.Get(isolate), flags_name.Get(isolate), execution_name.Get(isolate),
                                 payload_name.Get(isolate)};
  v8::Local<v8::Value> values[] = {v8::Integer::New(isolate, record.kind), v8::Integer::New(isolate, record.flags),
                                   v8::Integer::New(isolate, record.execution), payload};
  args.GetReturnValue().Set(v8::Object::New(isolate, v8::Null(isolate), names, values, 4));
  zb_records_drop();
  return true;
}

void Receive(Args args) {
  const bool alive = args[0]->IsTrue();
  zb_link_control()->agent_busy = alive;
  for (;;) {
    TakeIdentityRecord();
    if (TakeRecord(args)) return;
    const uint32_t answer = zb_link_poll(ZB_REG_RX);
    if (answer == ZB_RX_WAIT) {
      if (alive) return;
      if (!zb_others_live()) {
        zb_link_control()->others = 0;
      } else if (zb_link_wait() < 0 && errno != EINTR) {
        return ThrowErrno(args.GetIsolate(), "wait");
      }
    } else if (answer != 0 && zb_records_add(answer) < 0) {
      return ThrowErrno(args.GetIsolate(), "receive");
    }
  }
}

// Looked up once: each lookup reads from pages that no cell needs else.
void MakeName(v8::Eternal<v8::Name> &name, const char *text) {
  v8::Isolate *isolate = v8::Isolate::GetCurrent();
  name.Set(isolate, v8::String::NewFromUtf8(isolate, text, v8::NewStringType::kInternalized).ToLocalChecked());
}

}  // namespace

uint16_t OutputExecution() { return output_execution; }

void SetOutputExecution(uint16_t execution) {
  output_execution = execution;
  zb_capture_execution(execution);
}

int SendControl(uint8_t kind, uint8_t flags, uint16_t execution, const void *data, size_t length) {
  return SendAll(kind, flags, ZB_PART_MORE, execution, static_cast<const char *>(data), length, 1);
}

void AddLinkCalls(v8::Local<v8::Object> exports) {
  MakeName(kind_name, "kind");
  MakeName(flags_name, "flags");
  MakeName(execution_name, "execution");
  MakeName(payload_name, "payload");
  Define(exports, "open", Open);
  Define(exports, "send", Send);
  Define(exports, "write", Write);
  Define(exports, "receive", Receive);
}

}  // namespace zb
