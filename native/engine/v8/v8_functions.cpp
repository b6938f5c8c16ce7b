// Functions of C++ that JavaScript calls.
#include <array>
#include <new>
#include <stdexcept>

#include "engine/v8/v8_engine.hpp"

namespace dcp::engine::v8engine {

struct V8Engine::OpRecord {
  V8Engine* engine;
  Op op;
  void* context;
  void (*finalize)(void*);
  v8::Global<v8::Function> function;  ///< weak; empty where there is nothing to finalize
};

Value V8Engine::function(const std::string& name, int length, Op op, void* context) {
  return owning_function(name, length, op, context, nullptr);
}

Value V8Engine::owning_function(const std::string& name, int length, Op op, void* op_context, void (*finalize)(void*)) {
  auto* record = new OpRecord{this, op, op_context, finalize, {}};
  const auto made = guarded([&] {
    return v8::Function::New(context(), invoke, v8::External::New(isolate_, record), length,
                             v8::ConstructorBehavior::kThrow);
  });
  made->SetName(text(name));
  if (finalize == nullptr) return from(made);
  record->function.Reset(isolate_, made);
  const auto forgotten = [](const v8::WeakCallbackInfo<OpRecord>& info) {
    info.GetParameter()->function.Reset();
    info.SetSecondPassCallback([](const v8::WeakCallbackInfo<OpRecord>& second) {
      second.GetParameter()->finalize(second.GetParameter()->context);
      delete second.GetParameter();
    });
  };
  record->function.SetWeak<OpRecord>(record, forgotten, v8::WeakCallbackType::kParameter);
  return from(made);
}

// V8 opens a HandleScope for each call.
void V8Engine::invoke(const v8::FunctionCallbackInfo<v8::Value>& info) {
  const auto& record = *static_cast<OpRecord*>(info.Data().As<v8::External>()->Value());
  V8Engine& engine = *record.engine;
  const auto count = static_cast<std::size_t>(info.Length());
  std::array<Value, 8> few;
  std::vector<Value> many;
  if (count > few.size()) many.resize(count);
  const std::span<Value> args(count > few.size() ? many.data() : few.data(), count);
  for (std::size_t i = 0; i < count; ++i) args[i] = from(info[static_cast<int>(i)]);
  try {
    info.GetReturnValue().Set(to(record.op(engine, record.context, args)));
  } catch (const Thrown& thrown) {
    engine.to_exception(thrown);
  } catch (const std::bad_alloc&) {
    engine.isolate_->ThrowException(to(engine.error(ErrorType::range_error, "out of memory")));
  } catch (const std::exception& error) {
    engine.isolate_->ThrowException(to(engine.error(ErrorType::error, error.what())));
  }
}

void V8Engine::to_exception(const Thrown& thrown) {
  if (!thrown.terminated) {
    isolate_->ThrowException(to(thrown.value.get()));
    return;
  }
  // The request is looked at when JavaScript is entered: at once, so that not one more statement runs.
  isolate_->TerminateExecution();
  (void)nothing_.Get(isolate_)->Call(context(), v8::Undefined(isolate_), 0, nullptr);
}

}  // namespace dcp::engine::v8engine
