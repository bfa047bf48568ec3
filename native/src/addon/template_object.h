// The JavaScript face of a template.
#pragma once

#include <napi.h>

#include <memory>

#include "addon/addon.h"
#include "template/template.h"

namespace zb {

class TemplateObject : public Napi::ObjectWrap<TemplateObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Object Wrap(Napi::Env env, std::shared_ptr<const Template> source);

  explicit TemplateObject(const Napi::CallbackInfo& info);

 private:
  // Throws when the template has been closed.
  const std::shared_ptr<const Template>& Open(Napi::Env env) const;
  Napi::Value JsInfo(const Napi::CallbackInfo& info);
  Napi::Value JsFork(const Napi::CallbackInfo& info);
  Napi::Value JsSave(const Napi::CallbackInfo& info);
  Napi::Value JsMemoryContains(const Napi::CallbackInfo& info);
  void JsClose(const Napi::CallbackInfo& info);

  std::shared_ptr<const Template> template_;
};

// TemplateInfo of native/engine.ts.
Napi::Object ToJsInfo(Napi::Env env, const TemplateInfo& info);

}  // namespace zb
