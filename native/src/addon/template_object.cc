#include "addon/template_object.h"

#include <algorithm>

#include "addon/background.h"
#include "addon/vm_object.h"
#include "template/snapshot_file.h"

namespace zb {

Napi::Object ToJsInfo(Napi::Env env, const TemplateInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("label", info.label);
  object.Set("runtime", info.runtime);
  object.Set("kernelDigest", info.kernel_digest);
  object.Set("rootDigest", info.root_digest);
  object.Set("memoryMb", static_cast<double>(info.memory_mb));
  object.Set("storedPages", static_cast<double>(info.stored_pages));
  object.Set("workingSetPages", static_cast<double>(info.working_set_pages));
  object.Set("capturedAt", static_cast<double>(info.captured_at_ms));
  object.Set("bootMs", static_cast<double>(info.boot_ms));
  object.Set("cpuDigest", info.cpu_digest);
  object.Set("hostKind", info.host_kind);
  object.Set("engineAbi", info.engine_abi);
  return object;
}

Napi::Function TemplateObject::Define(Napi::Env env) {
  return DefineClass(
      env, "Template",
      {InstanceAccessor<&TemplateObject::JsInfo>("info"), InstanceMethod<&TemplateObject::JsFork>("fork"),
       InstanceMethod<&TemplateObject::JsSave>("save"), InstanceMethod<&TemplateObject::JsClose>("close"),
       InstanceMethod<&TemplateObject::JsMemoryContains>("memoryContains")});
}

TemplateObject::TemplateObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TemplateObject>(info) {}

Napi::Object TemplateObject::Wrap(Napi::Env env, std::shared_ptr<const Template> source) {
  Napi::Object object = Addon::Of(env).template_constructor.New({});
  Unwrap(object)->template_ = std::move(source);
  return object;
}

const std::shared_ptr<const Template>& TemplateObject::Open(Napi::Env env) const {
  if (template_ == nullptr) {
    throw ToJsError(env, EngineError(ErrorCode::kTemplateMissing, "the template has been closed"));
  }
  return template_;
}

Napi::Value TemplateObject::JsInfo(const Napi::CallbackInfo& info) {
  return ToJsInfo(info.Env(), Open(info.Env())->info());
}

Napi::Value TemplateObject::JsFork(const Napi::CallbackInfo& info) {
  return VmObject::Fork(info.Env(), Open(info.Env()), info[0].As<Napi::Object>());
}

Napi::Value TemplateObject::JsSave(const Napi::CallbackInfo& info) {
  return RunInBackground<int>(
      info.Env(), "zb-save",
      [source = Open(info.Env()), path = info[0].As<Napi::String>().Utf8Value()] {
        SaveSnapshot(*source, path);
        return 0;
      },
      [](Napi::Env env, int) { return env.Undefined(); });
}

Napi::Value TemplateObject::JsMemoryContains(const Napi::CallbackInfo& info) {
  const auto needle = info[0].As<Napi::Uint8Array>();
  const auto& source = Open(info.Env());
  const Mapping memory(source->info().layout().total_bytes(), PROT_READ, MAP_SHARED, source->ram_fd());
  const auto bytes = memory.span();
  const bool found =
      std::search(bytes.begin(), bytes.end(), needle.Data(), needle.Data() + needle.ByteLength()) != bytes.end();
  return Napi::Boolean::New(info.Env(), found);
}

void TemplateObject::JsClose(const Napi::CallbackInfo&) { template_.reset(); }

}  // namespace zb
