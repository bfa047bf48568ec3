//   takeOptions(function)                      scripts are to import() as the one does that the function is of
//   runScript(source, name, columnOffset)      what it gives; STOPPED when it was broken off; NOT_COMPILED
//
// As vm.Script and its runInThisContext() do, but for the many functions of theirs: each that a fork calls first costs
// it the pages that it lies in.
#include "calls.h"

namespace zb {
namespace {

v8::Global<v8::Data> import_options;
v8::Global<v8::Symbol> not_compiled_symbol;

void TakeOptions(Args args) {
  const v8::ScriptOrigin origin = args[0].As<v8::Function>()->GetScriptOrigin();
  import_options.Reset(args.GetIsolate(), origin.GetHostDefinedOptions());
}

v8::MaybeLocal<v8::Script> Compile(Args args) {
  v8::Isolate *isolate = args.GetIsolate();
  // Whoever compiles it again is told what is wrong, as Node words it.
  const v8::TryCatch try_catch(isolate);
  const v8::ScriptOrigin origin(args[1], 0, args[2].As<v8::Int32>()->Value(), false, -1, v8::Local<v8::Value>(), false,
                                false, false, import_options.Get(isolate));
  v8::ScriptCompiler::Source source(args[0].As<v8::String>(), origin);
  return v8::ScriptCompiler::Compile(isolate->GetCurrentContext(), &source);
}

void RunScript(Args args) {
  v8::Local<v8::Script> script;
  if (!Compile(args).ToLocal(&script)) {
    return args.GetReturnValue().Set(not_compiled_symbol.Get(args.GetIsolate()));
  }
  RunGuarded(args, [&script](v8::Local<v8::Context> context) { return script->Run(context); });
}

}  // namespace

void AddScriptCalls(v8::Local<v8::Object> exports) {
  v8::Isolate *isolate = v8::Isolate::GetCurrent();
  const auto symbol = v8::Symbol::New(isolate, v8::String::NewFromUtf8Literal(isolate, "not compiled"));
  not_compiled_symbol.Reset(isolate, symbol);
  exports->Set(isolate->GetCurrentContext(), v8::String::NewFromUtf8Literal(isolate, "NOT_COMPILED"), symbol).Check();
  Define(exports, "takeOptions", TakeOptions);
  Define(exports, "runScript", RunScript);
}

}  // namespace zb
