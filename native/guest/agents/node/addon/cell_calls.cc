//   begin(execution), end()               a cell runs in between; at its end all it has written is moved
//   done(execution, status, flags, exitCode, executionCount)  it has been reported but for this; 0: to nobody
//   disownOutput()                        what is printed is no cell's
//   guard(function, ...arguments)         its value; STOPPED when it was broken off; what it throws
//   stop(reason)                          breaks off what runs; does not return
//   stopped() -> {reason, trace}          by what a guard was broken off last, once; undefined: by nothing
//   shield(on)                            the agent's own code is not to be broken off
//   listen(on)                            the cell has a SIGINT handler of its own, which is called instead
//   takeInterrupt() -> boolean            whether an interrupt is due that broke nothing off
//
// A SIGINT is for whatever JavaScript runs, and no handler of a signal may touch V8. So the handler wakes a thread,
// which asks V8 to call OnInterrupt on the main thread between two instructions of JavaScript, and the event loop to
// look, where none runs.
#include <pthread.h>
#include <semaphore.h>
#include <uv.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>

#include "calls.h"

extern "C" {
#include "capture.h"
#include "interrupt.h"
#include "link.h"
}

namespace zb {
namespace {

constexpr int kTraceFrames = 10;

v8::Isolate *main_isolate;
uv_async_t look;
v8::Global<v8::Function> on_look;
v8::Global<v8::Symbol> stopped_symbol;
sem_t came;
// A signal has come that nothing was done about yet.
std::atomic<bool> is_pending;

bool shielded;
bool listening;
// Why what runs is broken off; empty: it is not.
std::string reason;
std::string trace;

void HandleSignal(int) {
  const int saved = errno;
  is_pending = true;
  sem_post(&came);
  errno = saved;
}

std::string Text(v8::Local<v8::String> text) {
  if (text.IsEmpty()) return "";
  const v8::String::Utf8Value bytes(main_isolate, text);
  return *bytes == nullptr ? "" : std::string(*bytes, bytes.length());
}

bool IsCell(const std::string &script) { return script.starts_with("<cell "); }

bool IsAgent(const std::string &script) { return script.find("/usr/lib/zeroboot/agent/") != std::string::npos; }

// As Error.prototype.stack has it, of where JavaScript is now, as far as the agent has not called it. Here, because
// what JavaScript could do it with may be the user's by now.
std::string CurrentTrace() {
  std::string text;
  bool in_cell = false;
  const v8::Local<v8::StackTrace> frames = v8::StackTrace::CurrentStackTrace(main_isolate, kTraceFrames);
  for (int i = 0; i < frames->GetFrameCount(); i++) {
    const v8::Local<v8::StackFrame> frame = frames->GetFrame(main_isolate, i);
    const std::string script = Text(frame->GetScriptName());
    if (IsAgent(script) && in_cell) break;
    if (IsAgent(script)) continue;
    in_cell = in_cell || IsCell(script);
    const std::string place =
        script + ":" + std::to_string(frame->GetLineNumber()) + ":" + std::to_string(frame->GetColumn());
    const std::string name = Text(frame->GetFunctionName());
    text += "\n    at " + (name.empty() ? place : name + " (" + place + ")");
  }
  return text;
}

void Stop(const std::string &why) {
  reason = why;
  main_isolate->TerminateExecution();
  // For what runs without a guard: then the event loop finds out.
  uv_async_send(&look);
}

// Whether a signal that has come is one to act on, once.
bool TakeSignal() { return is_pending.exchange(false) && zb_interrupt_take(); }

// On the main thread, where JavaScript runs.
void OnInterrupt(v8::Isolate *isolate, void *) {
  zb_interrupt_kill();
  if (shielded || listening || !reason.empty() || !TakeSignal()) return;
  const v8::HandleScope scope(isolate);
  trace = CurrentTrace();
  Stop("interrupt");
}

void *RunWatcher(void *) {
  for (;;) {
    if (sem_wait(&came) < 0) continue;
    main_isolate->RequestInterrupt(OnInterrupt, nullptr);
    uv_async_send(&look);
  }
  return nullptr;
}

void OnLook(uv_async_t *) {
  const v8::HandleScope scope(main_isolate);
  if (on_look.IsEmpty()) return;
  // Nothing of what was broken off is left.
  main_isolate->CancelTerminateExecution();
  const v8::Local<v8::Function> callback = on_look.Get(main_isolate);
  const v8::Local<v8::Context> context = callback->GetCreationContextChecked();
  const v8::Context::Scope context_scope(context);
  (void)node::MakeCallback(main_isolate, context->Global(), callback, 0, nullptr, {0, 0});
}

void Begin(Args args) {
  const auto execution = static_cast<uint16_t>(Number(args, 0));
  reason.clear();
  SetOutputExecution(execution);
  zb_interrupt_begin(execution);
}

void End(Args) {
  zb_interrupt_end();
  zb_capture_flush();
}

void Done(Args args) {
  const auto execution = static_cast<uint16_t>(Number(args, 0));
  zb_done done = {};
  done.status = static_cast<uint8_t>(Number(args, 1));
  done.flags = static_cast<uint8_t>(Number(args, 2));
  done.exit_code = static_cast<int32_t>(Number(args, 3));
  done.execution_count = Number(args, 4);
  if (execution != 0 && SendControl(ZB_GUEST_DONE, 0, execution, &done, sizeof done) < 0) {
    return ThrowErrno(args.GetIsolate(), "done");
  }
  zb_interrupt_finish();
  SetOutputExecution(0);
}

void DisownOutput(Args) { SetOutputExecution(0); }

void Guard(Args args) {
  RunGuarded(args, [&args](v8::Local<v8::Context> context) {
    v8::LocalVector<v8::Value> rest(args.GetIsolate());
    for (int i = 1; i < args.Length(); i++) rest.push_back(args[i]);
    const v8::Local<v8::Function> function = args[0].As<v8::Function>();
    return function->Call(context, v8::Undefined(args.GetIsolate()), static_cast<int>(rest.size()), rest.data());
  });
}

void StopCall(Args args) { Stop(Text(args[0].As<v8::String>())); }

void Stopped(Args args) {
  if (reason.empty()) return;
  v8::Isolate *isolate = args.GetIsolate();
  const auto string = [&](const std::string &text) -> v8::Local<v8::Value> {
    return v8::String::NewFromUtf8(isolate, text.data(), v8::NewStringType::kNormal, static_cast<int>(text.size()))
        .ToLocalChecked();
  };
  v8::Local<v8::Name> names[] = {v8::String::NewFromUtf8Literal(isolate, "reason"),
                                 v8::String::NewFromUtf8Literal(isolate, "trace")};
  v8::Local<v8::Value> values[] = {string(reason), string(trace)};
  args.GetReturnValue().Set(v8::Object::New(isolate, v8::Null(isolate), names, values, 2));
  reason.clear();
  trace.clear();
}

void Shield(Args args) {
  args.GetReturnValue().Set(shielded);
  shielded = args[0]->IsTrue();
}

void Listen(Args args) { listening = args[0]->IsTrue(); }

void TakeInterruptCall(Args args) { args.GetReturnValue().Set(TakeSignal()); }

void SetLook(Args args) { on_look.Reset(args.GetIsolate(), args[0].As<v8::Function>()); }

int StartWatcher() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pthread_t thread;
  const int error = pthread_create(&thread, nullptr, RunWatcher, nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  if (error != 0) return -1;
  pthread_setname_np(thread, kInterruptsThread);
  return pthread_detach(thread);
}

}  // namespace

void RunGuarded(Args args, const std::function<v8::MaybeLocal<v8::Value>(v8::Local<v8::Context>)> &call) {
  v8::Isolate *isolate = args.GetIsolate();
  const bool was_shielded = shielded;
  shielded = false;
  const auto leave = [&] {
    shielded = was_shielded;
    args.GetReturnValue().Set(stopped_symbol.Get(isolate));
  };
  // One that came since the cell was fetched, or while the agent was shielded.
  if (!listening && zb_interrupt_due()) {
    zb_interrupt_settle();
    is_pending = false;
    if (zb_interrupt_take()) {
      reason = "interrupt";
      return leave();
    }
  }
  v8::TryCatch try_catch(isolate);
  v8::Local<v8::Value> value;
  if (call(isolate->GetCurrentContext()).ToLocal(&value) && reason.empty()) {
    shielded = was_shielded;
    return args.GetReturnValue().Set(value);
  }
  if (!reason.empty()) {
    isolate->CancelTerminateExecution();
    return leave();
  }
  shielded = was_shielded;
  try_catch.ReThrow();
}

void StopForMemory() { Stop("memory"); }

int OpenInterrupts(v8::Isolate *isolate, uv_loop_s *loop) {
  main_isolate = isolate;
  if (sem_init(&came, 0, 0) < 0) return -1;
  uv_async_init(loop, &look, OnLook);
  uv_unref(reinterpret_cast<uv_handle_t *>(&look));
  struct sigaction action = {};
  action.sa_handler = HandleSignal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGINT, &action, nullptr) < 0) return -1;
  zb_interrupt_wrap();
  return StartWatcher();
}

void AddCellCalls(v8::Local<v8::Object> exports) {
  v8::Isolate *isolate = v8::Isolate::GetCurrent();
  const auto symbol = v8::Symbol::New(isolate, v8::String::NewFromUtf8Literal(isolate, "stopped"));
  stopped_symbol.Reset(isolate, symbol);
  exports->Set(isolate->GetCurrentContext(), v8::String::NewFromUtf8Literal(isolate, "STOPPED"), symbol).Check();
  Define(exports, "begin", Begin);
  Define(exports, "end", End);
  Define(exports, "done", Done);
  Define(exports, "disownOutput", DisownOutput);
  Define(exports, "guard", Guard);
  Define(exports, "stop", StopCall);
  Define(exports, "stopped", Stopped);
  Define(exports, "shield", Shield);
  Define(exports, "listen", Listen);
  Define(exports, "takeInterrupt", TakeInterruptCall);
  Define(exports, "setLook", SetLook);
}

}  // namespace zb
