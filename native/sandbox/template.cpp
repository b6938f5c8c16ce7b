#include "sandbox/template.hpp"

#include <stdexcept>

#include "sandbox/file.hpp"
#include "sandbox/session.hpp"

namespace dcp::sandbox {

using engine::Value;

Template::Template(runtime::Runtime& runtime, runtime::ScriptCache& scripts) : runtime_(runtime), scripts_(scripts) {
  runtime.add_op("readFile", 1, read_file, this);
  runtime.add_op("runFile", 1, run_file, this);
}

void Template::load(const std::string& description, const runtime::EventLoop::Callback& between) {
  engine::Engine& engine = runtime_.engine();
  loading_ = true;
  const engine::Ref loaded = begin(description);
  between();
  const auto state = [&] {
    const engine::Scope scope(engine);
    return engine.promise_state(loaded.get());
  };
  while (state() == engine::PromiseState::pending && !runtime_.loop().stopped()) {
    const auto task = engine.next_task();
    if (!task && !runtime_.loop().has_timer()) {
      throw std::runtime_error("the template waits for something that will not come");
    }
    runtime_.loop().wake_at(task);
    runtime_.loop().run_once(between);
  }
  loading_ = false;
  if (state() == engine::PromiseState::fulfilled) return;
  const engine::Scope scope(engine);
  throw std::runtime_error(error_report(engine.describe_error(engine.promise_result(loaded.get()))));
}

engine::Ref Template::begin(const std::string& description) {
  engine::Engine& engine = runtime_.engine();
  const engine::Scope scope(engine);
  try {
    Value args[] = {engine.string(description)};
    return engine::Ref(engine, engine.call(runtime_.hook(runtime::Hook::load_template), engine.undefined(), args));
  } catch (const engine::Thrown& thrown) {
    throw std::runtime_error(error_report(engine.describe_error(thrown.value.get())));
  }
}

std::string_view Template::read(Value path, std::unique_ptr<char[]>& buffer) {
  engine::Engine& engine = runtime_.engine();
  if (!loading_) engine.raise(engine::ErrorType::error, "there are no files");
  try {
    return sandbox::read_file(engine.to_string(path), buffer);
  } catch (const std::runtime_error& error) {
    engine.raise(engine::ErrorType::error, error.what());
  }
}

Value Template::read_file(engine::Engine& engine, void* context, std::span<const Value> args) {
  std::unique_ptr<char[]> buffer;
  return engine.array_buffer(std::as_bytes(std::span(static_cast<Template*>(context)->read(args[0], buffer))));
}

Value Template::run_file(engine::Engine& engine, void* context, std::span<const Value> args) {
  auto& self = *static_cast<Template*>(context);
  const std::string_view source = self.read(args[0], self.sources_.emplace_back());
  const std::string path = engine.to_string(args[0]);
  // Stacks, which jobs see, have the names of files and not where the user has them.
  return engine.run(self.scripts_.compile(source, path.substr(path.rfind('/') + 1)));
}

}  // namespace dcp::sandbox
