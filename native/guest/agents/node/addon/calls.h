/*
 * What the addon's files share: the functions each brings, and short ways to say what V8 says at length.
 */
#ifndef ZEROBOOT_NODE_CALLS_H
#define ZEROBOOT_NODE_CALLS_H

#include <node.h>
#include <v8.h>

#include <cstdint>
#include <functional>

namespace zb {

using Args = const v8::FunctionCallbackInfo<v8::Value> &;

// Each adds its functions to the module's exports.
void AddLinkCalls(v8::Local<v8::Object> exports);
void AddInputCalls(v8::Local<v8::Object> exports);
void AddCellCalls(v8::Local<v8::Object> exports);
void AddScriptCalls(v8::Local<v8::Object> exports);
void AddLoopCalls(v8::Local<v8::Object> exports);
void AddIdentityCalls(v8::Local<v8::Object> exports);
void AddMemoryCalls(v8::Local<v8::Object> exports);

void Define(v8::Local<v8::Object> exports, const char *name, v8::FunctionCallback callback);
// Throws a JavaScript Error with what errno says.
void ThrowErrno(v8::Isolate *isolate, const char *what);

uint32_t Number(Args args, int index);

// The bytes of a string, as UTF-8, or of a typed array. Good while it and the value live.
class Bytes {
 public:
  Bytes(v8::Isolate *isolate, v8::Local<v8::Value> value);
  Bytes(const Bytes &) = delete;
  Bytes &operator=(const Bytes &) = delete;
  const char *data() const { return data_; }
  size_t size() const { return size_; }

 private:
  v8::String::Utf8Value text_;
  const char *data_ = nullptr;
  size_t size_ = 0;
};

// What makes a fork itself: kernel, clock, OpenSSL, Math.random(), machine id. Ends the process where it cannot be
// taken.
void TakeIdentity(int flags, const uint8_t *identity, size_t length);

// The name of the thread that interrupts need.
inline constexpr char kInterruptsThread[] = "zb-interrupts";

// Makes ready what interrupts need: a thread of its own. 0, or -1 with errno.
int OpenInterrupts(v8::Isolate *isolate, uv_loop_s *loop);
// Runs what may be broken off. Returns its value from the call with `args`, or STOPPED; throws what it throws.
void RunGuarded(Args args, const std::function<v8::MaybeLocal<v8::Value>(v8::Local<v8::Context>)> &call);
// The heap is full: breaks off what runs.
void StopForMemory();

// One record that the host is sure to get. 0, or -1 with errno.
int SendControl(uint8_t kind, uint8_t flags, uint16_t execution, const void *data, size_t length);

// The execution whose output is written now; 0: none.
uint16_t OutputExecution();
void SetOutputExecution(uint16_t execution);

}  // namespace zb

#endif
