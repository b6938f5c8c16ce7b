#include "sandbox/template.hpp"

#include <stdexcept>

#include "sandbox/file.hpp"
#include "sandbox/session.hpp"

namespace dcp::sandbox {

using engine::Value;

Template::Template(runtime::Runtime& runtime) : runtime_(runtime) { runtime.add_op("readFile", 1, read_file, this); }

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

Value Template::read_file(engine::Engine& engine, void* context, std::span<const Value> args) {
  if (!static_cast<Template*>(context)->loading_) engine.raise(engine::ErrorType::error, "there are no files");
  std::unique_ptr<char[]> buffer;
  try {
    const std::string_view bytes = sandbox::read_file(engine.to_string(args[0]), buffer);
    return engine.array_buffer(std::as_bytes(std::span(bytes)));
  } catch (const std::runtime_error& error) {
    engine.raise(engine::ErrorType::error, error.what());
  }
}

}  // namespace dcp::sandbox
