#include "addon/vm_object.h"

#include "template/pages.h"

namespace zb {

// Runs on the VM's thread and posts to the Node thread. The wrapper is alive until OnEnd was delivered: it
// holds a reference to itself until then.
class VmObject::Events : public VmEvents {
 public:
  Events(std::shared_ptr<EventQueue> queue, VmObject* object) : queue_(std::move(queue)), object_(object) {}

  void OnReady(const ForkTimes& times) override {
    queue_->Post([object = object_, times](Napi::Env env) {
      Napi::Object ready = Napi::Object::New(env);
      ready.Set("forkTimeUs", static_cast<double>(times.create_us + times.prefault_us));
      ready.Set("prefaultUs", static_cast<double>(times.prefault_us));
      object->Deliver(env, "onReady", ready);
    });
  }
  void OnOutput() override {
    queue_->Post([object = object_](Napi::Env env) { object->Deliver(env, "onOutput", env.Undefined()); });
  }
  void OnEnd(const VmEnd& end) override {
    queue_->Post([object = object_, end](Napi::Env env) {
      Napi::Object js_end = Napi::Object::New(env);
      js_end.Set("reason", EndReasonName(end.reason));
      js_end.Set("detail", end.detail);
      js_end.Set("console", end.console);
      object->ended_ = true;
      Addon::Of(env).vms.erase(object->vm_);
      object->Deliver(env, "onEnd", js_end);
      object->handlers_.Reset();
      Addon::Of(env).events->Unreference();
      object->Unref();
    });
  }

 private:
  std::shared_ptr<EventQueue> queue_;
  VmObject* object_;
};

Napi::Function VmObject::Define(Napi::Env env) {
  return DefineClass(
      env, "Vm",
      {InstanceAccessor<&VmObject::JsId>("id"), InstanceMethod<&VmObject::JsSend>("send"),
       InstanceMethod<&VmObject::JsRead>("read"), InstanceMethod<&VmObject::JsInterrupt>("interrupt"),
       InstanceMethod<&VmObject::JsKillChildren>("killChildren"),
       InstanceMethod<&VmObject::JsDiscardOutput>("discardOutput"), InstanceMethod<&VmObject::JsClose>("close"),
       InstanceMethod<&VmObject::JsStats>("stats"), InstanceMethod<&VmObject::JsMemoryContains>("memoryContains")});
}

VmObject::VmObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<VmObject>(info) {}

VmObject::~VmObject() {
  if (vm_ != nullptr) vm_->Close();
}

Napi::Value VmObject::Fork(Napi::Env env, std::shared_ptr<const Template> source, const Napi::Object& handlers) {
  Addon& addon = Addon::Of(env);
  Napi::Object js_vm = addon.vm_constructor.New({});
  VmObject* object = Unwrap(js_vm);
  object->id_ = addon.next_vm_id++;
  object->handlers_ = Napi::Persistent(handlers);
  auto events = std::make_shared<Events>(addon.events, object);
  object->vm_ = Guarded(env, [&] { return ForkedVm::Start(std::move(source), std::move(events)); });
  // Until OnEnd is delivered the object lives, whatever its owner does with it, and so does the process.
  object->Ref();
  addon.events->Reference();
  addon.vms.insert(object->vm_);
  return js_vm;
}

ForkedVm& VmObject::vm(Napi::Env env) const {
  if (vm_ == nullptr) throw Napi::TypeError::New(env, "VMs are made by Template.fork()");
  return *vm_;
}

void VmObject::Deliver(Napi::Env env, const char* handler, Napi::Value argument) {
  if (handlers_.IsEmpty()) return;
  const Napi::HandleScope scope(env);
  // Our own trampolines in native/index.ts, which never throw.
  const Napi::Value function = handlers_.Value().Get(handler);
  function.As<Napi::Function>().MakeCallback(handlers_.Value(), {argument});
}

Napi::Value VmObject::JsId(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), id_); }

Napi::Value VmObject::JsSend(const Napi::CallbackInfo& info) {
  const auto kind = static_cast<uint8_t>(info[0].As<Napi::Number>().Uint32Value());
  const auto flags = static_cast<uint8_t>(info[1].As<Napi::Number>().Uint32Value());
  const auto execution = static_cast<uint16_t>(info[2].As<Napi::Number>().Uint32Value());
  const auto payload = info[3].As<Napi::Uint8Array>();
  // 0 is how the link says that no cell runs.
  if (execution == 0 && kind != ZB_HOST_IDENTITY) {
    throw Napi::RangeError::New(info.Env(), "an execution id is 1 to 65535");
  }
  Guarded(info.Env(), [&] {
    if (ended_) throw EngineError(ErrorCode::kVmClosed, "the VM has ended");
    vm(info.Env()).runner().Send(kind, flags, execution, {payload.Data(), payload.ByteLength()});
    return 0;
  });
  return info.Env().Undefined();
}

Napi::Value VmObject::JsRead(const Napi::CallbackInfo& info) {
  const double max_bytes = info[0].As<Napi::Number>().DoubleValue();
  const auto records = vm(info.Env()).runner().Read(max_bytes > 0 ? static_cast<size_t>(max_bytes) : 0);
  if (!records) return info.Env().Undefined();
  return Napi::Buffer<uint8_t>::Copy(info.Env(), records->data(), records->size());
}

Napi::Value VmObject::JsInterrupt(const Napi::CallbackInfo& info) {
  const auto execution = static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value());
  const bool again = info[1].IsBoolean() && info[1].As<Napi::Boolean>().Value();
  return Napi::Boolean::New(info.Env(), vm(info.Env()).runner().Interrupt(execution, again));
}

Napi::Value VmObject::JsKillChildren(const Napi::CallbackInfo& info) {
  const auto execution = static_cast<uint16_t>(info[0].As<Napi::Number>().Uint32Value());
  return Napi::Boolean::New(info.Env(), vm(info.Env()).runner().KillChildren(execution));
}

void VmObject::JsDiscardOutput(const Napi::CallbackInfo& info) { vm(info.Env()).runner().DiscardOutput(); }

void VmObject::JsClose(const Napi::CallbackInfo& info) { vm(info.Env()).Close(); }

Napi::Value VmObject::JsStats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const GuestRunner& runner = vm(env).runner();
  Napi::Object stats = Napi::Object::New(env);
  stats.Set("exits", static_cast<double>(runner.exits()));
  stats.Set("wakeups", static_cast<double>(runner.wakeups()));
  stats.Set("parked", runner.parked());
  // Counted when it is asked for: that reads the page map of all guest memory.
  stats.DefineProperty(Napi::PropertyDescriptor::Accessor(
      env, stats, "privatePages",
      [vm = vm_](const Napi::CallbackInfo& call) -> Napi::Value {
        return Guarded(call.Env(), [&]() -> Napi::Value {
          return Napi::Number::New(call.Env(), static_cast<double>(CountPages(vm->PrivatePageRuns())));
        });
      },
      napi_enumerable));
  stats.Set("bytesIn", static_cast<double>(runner.bytes_in()));
  stats.Set("bytesOut", static_cast<double>(runner.bytes_out()));
  return stats;
}

Napi::Value VmObject::JsMemoryContains(const Napi::CallbackInfo& info) {
  const auto needle = info[0].As<Napi::Uint8Array>();
  return Napi::Boolean::New(info.Env(), vm(info.Env()).MemoryContains({needle.Data(), needle.ByteLength()}));
}

}  // namespace zb
