// Work that takes too long for the Node thread: one thread of its own, its result through the event queue.
//
// Not libuv's pool: a boot takes a minute and would hold one of four threads that file access needs.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "addon/addon.h"
#include "fork/reaper.h"

namespace zb {

// Runs `work` on a new thread; resolves with what `convert` makes of its result, or rejects with its error.
template <typename Result>
Napi::Promise RunInBackground(Napi::Env env, const char* thread_name, std::function<Result()> work,
                              std::function<Napi::Value(Napi::Env, Result)> convert) {
  auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
  const Napi::Promise promise = deferred->Promise();
  std::shared_ptr<EventQueue> events = Addon::Of(env).events;
  auto finish = [events, deferred](NodeTask task) {
    events->Post([events, deferred, task = std::move(task)](Napi::Env node_env) {
      const Napi::HandleScope scope(node_env);
      task(node_env);
      events->Unreference();
    });
  };
  Guarded(env, [&] {
    Reaper::Get().StartThread(thread_name, [work = std::move(work), convert = std::move(convert), finish, deferred] {
      try {
        auto result = std::make_shared<Result>(work());
        finish([=](Napi::Env node_env) { deferred->Resolve(convert(node_env, std::move(*result))); });
      } catch (const EngineError& error) {
        finish([=](Napi::Env node_env) { deferred->Reject(ToJsError(node_env, error).Value()); });
      } catch (const std::exception& error) {
        finish([=, what = std::string(error.what())](Napi::Env node_env) {
          deferred->Reject(Napi::Error::New(node_env, what).Value());
        });
      }
    });
    return 0;
  });
  // Now that there is something to wait for; its result cannot be delivered before this returns.
  events->Reference();
  return promise;
}

}  // namespace zb
