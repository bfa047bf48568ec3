// The JavaScript face of one forked VM.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/addon.h"
#include "fork/forked_vm.h"

namespace zb {

class VmObject : public Napi::ObjectWrap<VmObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  // Starts a fork of `source`; `handlers` is a VmHandlers of native/engine.ts.
  static Napi::Value Fork(Napi::Env env, std::shared_ptr<const Template> source, const Napi::Object& handlers);

  explicit VmObject(const Napi::CallbackInfo& info);
  ~VmObject() override;

 private:
  class Events;

  // The VM behind the object; throws for one that JavaScript made with the class's constructor.
  ForkedVm& vm(Napi::Env env) const;

  // JS-reachable.
  Napi::Value JsSend(const Napi::CallbackInfo& info);
  Napi::Value JsRead(const Napi::CallbackInfo& info);
  Napi::Value JsInterrupt(const Napi::CallbackInfo& info);
  Napi::Value JsKillChildren(const Napi::CallbackInfo& info);
  void JsDiscardOutput(const Napi::CallbackInfo& info);
  void JsClose(const Napi::CallbackInfo& info);
  Napi::Value JsStats(const Napi::CallbackInfo& info);
  Napi::Value JsMemoryContains(const Napi::CallbackInfo& info);
  Napi::Value JsId(const Napi::CallbackInfo& info);

  // Events arrive here, on the Node thread.
  void Deliver(Napi::Env env, const char* handler, Napi::Value argument);

  uint32_t id_ = 0;
  bool ended_ = false;
  std::shared_ptr<ForkedVm> vm_;
  Napi::ObjectReference handlers_;
};

}  // namespace zb
