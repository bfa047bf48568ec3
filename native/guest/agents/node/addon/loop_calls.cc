//   loopIsAlive() -> boolean     whether the event loop has anything left to wait for, the agent's own handles aside
//   watchWakeLine(callback)      calls back when the host has something for an agent whose loop goes on
#include <unistd.h>
#include <uv.h>

#include "calls.h"

extern "C" {
#include "link.h"
}

namespace zb {
namespace {

uv_poll_t line;
int line_fd = -1;
v8::Global<v8::Function> on_wake;

void OnReadable(uv_poll_t *, int, int) {
  char bytes[64];
  while (read(line_fd, bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes)) continue;
  v8::Isolate *isolate = v8::Isolate::GetCurrent();
  const v8::HandleScope scope(isolate);
  const v8::Local<v8::Function> callback = on_wake.Get(isolate);
  const v8::Local<v8::Context> context = callback->GetCreationContextChecked();
  const v8::Context::Scope context_scope(context);
  (void)node::MakeCallback(isolate, context->Global(), callback, 0, nullptr, {0, 0});
}

void LoopIsAlive(Args args) {
  args.GetReturnValue().Set(uv_loop_alive(node::GetCurrentEventLoop(args.GetIsolate())) != 0);
}

void WatchWakeLine(Args args) {
  on_wake.Reset(args.GetIsolate(), args[0].As<v8::Function>());
  line_fd = zb_link_open_wake_line();
  if (line_fd < 0) return ThrowErrno(args.GetIsolate(), "wake line");
  uv_poll_init(node::GetCurrentEventLoop(args.GetIsolate()), &line, line_fd);
  uv_poll_start(&line, UV_READABLE, OnReadable);
  uv_unref(reinterpret_cast<uv_handle_t *>(&line));
}

}  // namespace

void AddLoopCalls(v8::Local<v8::Object> exports) {
  Define(exports, "loopIsAlive", LoopIsAlive);
  Define(exports, "watchWakeLine", WatchWakeLine);
}

}  // namespace zb
