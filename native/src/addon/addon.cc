#include "addon/addon.h"

#include <atomic>

#include "addon/background.h"
#include "addon/template_object.h"
#include "addon/vm_object.h"
#include "hosts/host.h"
#include "template/boot.h"
#include "template/snapshot_file.h"

namespace zb {
namespace {

std::string Text(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::String>().Utf8Value();
}
uint64_t Count(const Napi::Object& object, const char* name) {
  return static_cast<uint64_t>(object.Get(name).As<Napi::Number>().Int64Value());
}

Napi::Value JsProbeHost(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return Guarded(env, [&]() -> Napi::Value {
    const CpuIdentity cpu = ReadCpuIdentity();
    const Host& host = Host::Current();
    Napi::Object report = Napi::Object::New(env);
    report.Set("kind", host.kind());
    report.Set("description", host.Description());
    Napi::Array quirks = Napi::Array::New(env);
    for (const std::string& quirk : host.Quirks()) quirks.Set(quirks.Length(), quirk);
    report.Set("quirks", quirks);
    Napi::Object js_cpu = Napi::Object::New(env);
    js_cpu.Set("vendor", cpu.vendor);
    js_cpu.Set("family", cpu.family);
    js_cpu.Set("model", cpu.model);
    js_cpu.Set("stepping", cpu.stepping);
    js_cpu.Set("xcr0", Napi::BigInt::New(env, cpu.xcr0));
    report.Set("cpu", js_cpu);
    report.Set("cpuDigest", cpu.digest);
    report.Set("tscKhz", cpu.tsc_khz);
    report.Set("engineAbi", kEngineAbi);
    return report;
  });
}

// boot(options, onConsole?) -> {template: Promise<Template>, abort()}
Napi::Value JsBoot(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto js = info[0].As<Napi::Object>();
  BootOptions options;
  options.kernel_path = Text(js, "kernelPath");
  options.root_image_path = Text(js, "rootImagePath");
  options.kernel_digest = Text(js, "kernelDigest");
  options.root_digest = Text(js, "rootDigest");
  options.label = Text(js, "label");
  options.memory_mb = Count(js, "memoryMb");
  const auto symbols = js.Get("symbols").As<Napi::Object>();
  for (const KernelSymbol& symbol : kKernelSymbols) {
    if (symbols.Has(symbol.name)) options.symbols.*symbol.address = Count(symbols, symbol.name);
  }
  options.timeout = std::chrono::milliseconds(Count(js, "timeoutMs"));
  if (js.Has("extraCommandLine")) options.extra_command_line = Text(js, "extraCommandLine");
  const auto cells = js.Get("warmupCells").As<Napi::Array>();
  for (uint32_t i = 0; i < cells.Length(); i++) {
    options.warmup_cells.push_back(cells.Get(i).As<Napi::String>().Utf8Value());
  }
  if (info[1].IsFunction()) {
    options.on_console = [sink = Share(env, info[1].As<Napi::Function>()),
                          events = Addon::Of(env).events](const std::string& line) {
      events->Post([sink, line](Napi::Env node_env) {
        const Napi::HandleScope scope(node_env);
        sink->Value().MakeCallback(node_env.Global(), {Napi::String::New(node_env, line)});
      });
    };
  }
  auto control = std::make_shared<BootControl>();
  auto& boots = Addon::Of(env).boots;
  std::erase_if(boots, [](const auto& boot) { return boot.expired(); });
  boots.push_back(control);
  Napi::Object boot = Napi::Object::New(env);
  boot.Set("template", RunInBackground<std::shared_ptr<Template>>(
                           env, "zb-boot", [options, control] { return BootTemplate(options, *control); },
                           [](Napi::Env node_env, std::shared_ptr<Template> booted) -> Napi::Value {
                             return TemplateObject::Wrap(node_env, std::move(booted));
                           }));
  boot.Set("abort", Napi::Function::New(env, [control](const Napi::CallbackInfo&) { control->Abort(); }));
  return boot;
}

Napi::Value JsLoad(const Napi::CallbackInfo& info) {
  return RunInBackground<std::shared_ptr<Template>>(
      info.Env(), "zb-load",
      [path = info[0].As<Napi::String>().Utf8Value(), root = info[1].As<Napi::String>().Utf8Value()] {
        return LoadSnapshot(path, root);
      },
      [](Napi::Env env, std::shared_ptr<Template> loaded) -> Napi::Value {
        return TemplateObject::Wrap(env, std::move(loaded));
      });
}

Napi::Value JsInspect(const Napi::CallbackInfo& info) {
  return Guarded(info.Env(), [&]() -> Napi::Value {
    return ToJsInfo(info.Env(), InspectSnapshot(info[0].As<Napi::String>().Utf8Value()));
  });
}

Napi::Value JsCounts(const Napi::CallbackInfo& info) {
  Napi::Object counts = Napi::Object::New(info.Env());
  counts.Set("vms", ForkedVm::live());
  counts.Set("reaping", ForkedVm::reaping());
  counts.Set("templates", Template::live());
  return counts;
}

Napi::Value JsTotals(const Napi::CallbackInfo& info) {
  const ForkTotals sum = ForkLedgerEntry::Sum();
  Napi::Object exits = Napi::Object::New(info.Env());
  for (size_t kind = 0; kind < sum.exits.size(); kind++) {
    exits.Set(kExitKindNames[kind], static_cast<double>(sum.exits[kind]));
  }
  Napi::Object totals = Napi::Object::New(info.Env());
  totals.Set("exits", exits);
  totals.Set("bytesIn", static_cast<double>(sum.bytes_in));
  totals.Set("bytesOut", static_cast<double>(sum.bytes_out));
  totals.Set("wakeups", static_cast<double>(sum.wakeups));
  totals.Set("parked", static_cast<double>(sum.parked));
  return totals;
}

}  // namespace

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) {
  auto* addon = new Addon(env);
  env.SetInstanceData<Addon>(addon);
  addon->vm_constructor = Napi::Persistent(VmObject::Define(env));
  addon->template_constructor = Napi::Persistent(TemplateObject::Define(env));
  exports.Set("probeHost", Napi::Function::New<JsProbeHost>(env));
  exports.Set("boot", Napi::Function::New<JsBoot>(env));
  exports.Set("load", Napi::Function::New<JsLoad>(env));
  exports.Set("inspect", Napi::Function::New<JsInspect>(env));
  exports.Set("counts", Napi::Function::New<JsCounts>(env));
  exports.Set("totals", Napi::Function::New<JsTotals>(env));
  return exports;
}

static std::atomic<int> environments{0};

Addon::Addon(Napi::Env env) : events(std::make_shared<EventQueue>(env)) {
  // Runs before the environment's references die: no VM's thread may reach it after that.
  env.AddCleanupHook([this] {
    for (const auto& weak : vms) {
      if (const auto vm = weak.lock()) vm->Close();
    }
    for (const auto& weak : boots) {
      if (const auto boot = weak.lock()) boot->Abort();
    }
    events->Close();
    // The VMs of other environments (worker threads) may live for long: only the last one waits, for all.
    if (--environments == 0) ForkedVm::JoinReaped();
  });
  environments++;
}

Addon::~Addon() = default;

std::shared_ptr<Napi::FunctionReference> Share(Napi::Env env, const Napi::Function& function) {
  // A reference is the environment's: it is deleted on the Node thread, whoever lets go of it last.
  return {new Napi::FunctionReference(Napi::Persistent(function)),
          [events = Addon::Of(env).events](Napi::FunctionReference* reference) {
            events->Post([reference](Napi::Env) { delete reference; });
          }};
}

Napi::Error ToJsError(Napi::Env env, const EngineError& error) {
  Napi::Error js = Napi::Error::New(env, error.what());
  js.Set("code", Napi::String::New(env, ErrorCodeName(error.code())));
  if (!error.syscall().empty()) js.Set("syscall", Napi::String::New(env, error.syscall()));
  if (error.error_number() != 0) js.Set("errno", Napi::Number::New(env, error.error_number()));
  if (!error.console().empty()) js.Set("console", Napi::String::New(env, error.console()));
  return js;
}

}  // namespace zb

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return zb::InitAddon(env, exports); }
NODE_API_MODULE(zeroboot, Init)
