// What one Node environment holds of the engine, and how errors reach JavaScript.
#pragma once

#include <napi.h>

#include <memory>
#include <set>
#include <vector>

#include "addon/event_queue.h"
#include "kvm/error.h"

namespace zb {

class BootControl;
class VmObject;

// Per-environment state; dies with it, after ending every VM and boot (env cleanup hook).
struct Addon {
  explicit Addon(Napi::Env env);
  ~Addon();

  std::shared_ptr<EventQueue> events;
  std::set<std::weak_ptr<ForkedVm>, std::owner_less<std::weak_ptr<ForkedVm>>> vms;
  std::vector<std::weak_ptr<BootControl>> boots;
  uint32_t next_vm_id = 1;
  Napi::FunctionReference vm_constructor;
  Napi::FunctionReference template_constructor;

  static Addon& Of(Napi::Env env) { return *env.GetInstanceData<Addon>(); }
};

// A JavaScript Error with code, syscall, errno and console, as EngineErrorShape in native/engine.ts.
Napi::Error ToJsError(Napi::Env env, const EngineError& error);

// `function` as something any thread may hold and let go of; only the Node thread may call it.
std::shared_ptr<Napi::FunctionReference> Share(Napi::Env env, const Napi::Function& function);

// Runs `body`, turning the engine's exceptions into JavaScript's.
template <typename Body>
auto Guarded(Napi::Env env, Body body) {
  try {
    return body();
  } catch (const EngineError& error) {
    throw ToJsError(env, error);
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(env, "out of memory");
  }
}

}  // namespace zb
