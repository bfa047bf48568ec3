// The link as a Node addon. Everything a usual cell needs is here and makes no system call.
#include <uv.h>

#include <cerrno>
#include <cstring>

#include "calls.h"

namespace zb {

void Define(v8::Local<v8::Object> exports, const char *name, v8::FunctionCallback callback) {
  NODE_SET_METHOD(exports, name, callback);
}

void ThrowErrno(v8::Isolate *isolate, const char *what) {
  isolate->ThrowException(node::ErrnoException(isolate, errno, what));
}

uint32_t Number(Args args, int index) { return args[index]->IsUint32() ? args[index].As<v8::Uint32>()->Value() : 0; }

Bytes::Bytes(v8::Isolate *isolate, v8::Local<v8::Value> value)
    : text_(isolate, value->IsArrayBufferView() ? v8::Local<v8::Value>() : value) {
  if (value->IsArrayBufferView()) {
    auto view = value.As<v8::ArrayBufferView>();
    data_ = static_cast<const char *>(view->Buffer()->Data()) + view->ByteOffset();
    size_ = view->ByteLength();
  } else if (*text_ != nullptr) {
    data_ = *text_;
    size_ = static_cast<size_t>(text_.length());
  }
}

static void Initialise(v8::Local<v8::Object> exports, v8::Local<v8::Value>, v8::Local<v8::Context>, void *) {
  AddLinkCalls(exports);
  AddInputCalls(exports);
  AddCellCalls(exports);
  AddScriptCalls(exports);
  AddLoopCalls(exports);
  AddIdentityCalls(exports);
  AddMemoryCalls(exports);
}

}  // namespace zb

// One link per process: not for worker threads.
NODE_MODULE(zblink, zb::Initialise)
