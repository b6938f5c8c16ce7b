// dcp-zygote-v8.node: sandboxes of V8. The `node` program loads it as an addon and is left in it: Node's own event
// loop never runs, and nothing of Node's is in reach of a sandbox's isolate.
#include <node.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "sandbox/backend.hpp"
#include "sandbox/zygote_program.hpp"

namespace {

/// Arguments of the addon: those of the process after the addon's path.
std::vector<std::string> arguments_of(v8::Local<v8::Context> context) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  const auto property = [&](v8::Local<v8::Object> object, const char* name) {
    return object->Get(context, v8::String::NewFromUtf8(isolate, name).ToLocalChecked()).ToLocalChecked();
  };
  const auto process = property(context->Global(), "process").As<v8::Object>();
  const auto list = property(process, "argv").As<v8::Array>();
  std::vector<std::string> arguments = {"dcp-zygote"};
  for (std::uint32_t i = 2; i < list->Length(); ++i) {
    const v8::String::Utf8Value text(isolate, list->Get(context, i).ToLocalChecked());
    arguments.emplace_back(*text, static_cast<std::size_t>(text.length()));
  }
  return arguments;
}

/// The time zone is looked up now: a sealed sandbox cannot, and the environment is erased.
void read_time_zone(v8::Local<v8::Context> context) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  constexpr const char* kSource = "String(new Date()) + new Intl.DateTimeFormat().resolvedOptions().timeZone";
  const auto source = v8::String::NewFromUtf8(isolate, kSource).ToLocalChecked();
  (void)v8::Script::Compile(context, source).ToLocalChecked()->Run(context).ToLocalChecked();
}

}  // namespace

NODE_MODULE_INIT() {
  (void)exports;
  (void)module;
  (void)prctl(PR_SET_NAME, "dcp-zygote", 0, 0, 0);
  const std::vector<std::string> arguments = arguments_of(context);
  read_time_zone(context);
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  const dcp::sandbox::Backend backend = {dcp::engine::make_v8, dcp::isolation::CodePages::patched, nullptr};
  _exit(dcp::sandbox::run_zygote(static_cast<int>(pointers.size()), pointers.data(), backend));
}
