// Functions, handles and keepers: what JavaScript calls of ours and holds of ours.
#include <new>
#include <utility>

#include "engine/quickjs/quickjs_engine.hpp"

namespace dcp::engine::quickjs {

namespace {

struct Handle {
  const void* tag;
  void* pointer;
  void (*finalize)(void*);
};

}  // namespace

Value QuickJsEngine::call(Value function, Value self, std::span<const Value> args) {
  return own(JS_Call(context_, js(function), js(self), static_cast<int>(args.size()),
                     reinterpret_cast<JSValueConst*>(const_cast<Value*>(args.data()))));
}

Value QuickJsEngine::construct(Value constructor, std::span<const Value> args) {
  return own(JS_CallConstructor(context_, js(constructor), static_cast<int>(args.size()),
                                reinterpret_cast<JSValueConst*>(const_cast<Value*>(args.data()))));
}

// Turns C++ exceptions into those of JavaScript.
template <typename Body>
JSValue QuickJsEngine::guarded(JSContext* context, QuickJsEngine& engine, Body body) {
  try {
    return body();
  } catch (const Thrown& thrown) {
    return engine.to_exception(thrown);
  } catch (const std::bad_alloc&) {
    return JS_ThrowOutOfMemory(context);
  } catch (const std::exception& error) {
    return JS_ThrowPlainError(context, "%s", error.what());
  }
}

JSValue QuickJsEngine::invoke(JSContext* context, JSValueConst, int argc, JSValueConst* argv, int, void* opaque) {
  const auto& record = *static_cast<OpRecord*>(opaque);
  QuickJsEngine& engine = *record.engine;
  const Scope scope(engine);
  return guarded(context, engine, [&] {
    const std::span<const Value> args(reinterpret_cast<const Value*>(argv), static_cast<std::size_t>(argc));
    return JS_DupValue(context, js(record.op(engine, record.context, args)));
  });
}

Value QuickJsEngine::function(const std::string& name, int length, Op op, void* context) {
  return owning_function(name, length, op, context, nullptr);
}

Value QuickJsEngine::owning_function(const std::string& name, int length, Op op, void* context,
                                     void (*finalize)(void*)) {
  const auto drop = [](void* opaque) {
    auto* record = static_cast<OpRecord*>(opaque);
    if (record->finalize != nullptr) record->finalize(record->context);
    delete record;
  };
  auto* record = new OpRecord{this, op, context, finalize};
  return own(JS_NewCClosure(context_, invoke, name.c_str(), drop, length, 0, record));
}

void QuickJsEngine::add_handle_class() {
  JS_NewClassID(runtime_, &handle_class_);
  JSClassDef definition = {};
  definition.class_name = "Handle";
  definition.finalizer = [](JSRuntime*, JSValueConst value) {
    JSClassID id;
    auto* handle = static_cast<Handle*>(JS_GetAnyOpaque(value, &id));
    if (handle == nullptr) return;
    if (handle->finalize != nullptr) handle->finalize(handle->pointer);
    delete handle;
  };
  JS_NewClass(runtime_, handle_class_, &definition);
}

Value QuickJsEngine::handle(const void* tag, void* pointer, void (*finalize)(void*)) {
  const Value object = own(JS_NewObjectProtoClass(context_, JS_NULL, handle_class_));
  JS_SetOpaque(js(object), new Handle{tag, pointer, finalize});
  return object;
}

void* QuickJsEngine::handle_pointer(Value value, const void* tag) {
  const auto* handle = static_cast<Handle*>(JS_GetOpaque(js(value), handle_class_));
  return handle != nullptr && handle->tag == tag ? handle->pointer : nullptr;
}

class QuickJsKeeper final : public Keeper {
 public:
  QuickJsKeeper(QuickJsEngine& engine, void* pointer, void (*finalize)(void*))
      : engine_(engine), pointer_(pointer), finalize_(finalize) {}

  Value object() override { return engine_.own(JS_DupValue(engine_.context_, object_)); }

  std::uint32_t keep(Value value) override {
    JSValue kept = JS_DupValue(engine_.context_, QuickJsEngine::js(value));
    if (free_.empty()) {
      values_.push_back(kept);
      return static_cast<std::uint32_t>(values_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    values_[slot] = kept;
    return slot;
  }

  Value kept(std::uint32_t slot) override { return engine_.own(JS_DupValue(engine_.context_, values_.at(slot))); }

  void drop(std::uint32_t slot) override {
    JSValue value = std::exchange(values_.at(slot), JS_UNDEFINED);
    free_.push_back(slot);
    JS_FreeValue(engine_.context_, value);
  }

  void* pointer() const { return pointer_; }

  void mark(JSRuntime* runtime, JS_MarkFunc* visit) const {
    for (JSValueConst value : values_) JS_MarkValue(runtime, value, visit);
  }

  void finalize(JSRuntime* runtime) {
    finalize_(pointer_);
    for (JSValue value : values_) JS_FreeValueRT(runtime, value);
    delete this;
  }

  JSValue object_ = JS_UNDEFINED;  // not owned: the object owns this

 private:
  QuickJsEngine& engine_;
  void* pointer_;
  void (*finalize_)(void*);
  std::vector<JSValue> values_;
  std::vector<std::uint32_t> free_;
};

void QuickJsEngine::add_keeper_class() {
  JS_NewClassID(runtime_, &keeper_class_);
  JSClassDef definition = {};
  definition.class_name = "Keeper";
  definition.finalizer = [](JSRuntime* runtime, JSValueConst value) {
    JSClassID id;
    if (auto* keeper = static_cast<QuickJsKeeper*>(JS_GetAnyOpaque(value, &id))) keeper->finalize(runtime);
  };
  definition.gc_mark = [](JSRuntime* runtime, JSValueConst value, JS_MarkFunc* visit) {
    JSClassID id;
    if (const auto* keeper = static_cast<QuickJsKeeper*>(JS_GetAnyOpaque(value, &id))) keeper->mark(runtime, visit);
  };
  JS_NewClass(runtime_, keeper_class_, &definition);
}

Keeper& QuickJsEngine::keeper(void* pointer, void (*finalize)(void*)) {
  const Value object = own(JS_NewObjectProtoClass(context_, JS_NULL, keeper_class_));
  auto* keeper = new QuickJsKeeper(*this, pointer, finalize);
  keeper->object_ = js(object);
  JS_SetOpaque(keeper->object_, keeper);
  return *keeper;
}

Value QuickJsEngine::bound_function(const std::string& name, int length, Keeper& keeper, BoundOp op,
                                    std::uint32_t index) {
  // Data of the function: the keeper, the number, the op as a number that its 48 bits of address fit exactly.
  const auto address = static_cast<double>(reinterpret_cast<std::uintptr_t>(op));
  JSValueConst data[] = {static_cast<QuickJsKeeper&>(keeper).object_, JS_NewUint32(context_, index),
                         JS_NewFloat64(context_, address)};
  return own(JS_NewCFunctionData2(context_, invoke_bound, name.c_str(), length, 0, 3, data));
}

JSValue QuickJsEngine::invoke_bound(JSContext* context, JSValueConst, int argc, JSValueConst* argv, int,
                                    JSValueConst* data) {
  auto& engine = *static_cast<QuickJsEngine*>(JS_GetContextOpaque(context));
  const auto* keeper = static_cast<QuickJsKeeper*>(JS_GetOpaque(data[0], engine.keeper_class_));
  const auto index = static_cast<std::uint32_t>(engine.as_number(borrowed(data[1])));
  const auto op = reinterpret_cast<BoundOp>(static_cast<std::uintptr_t>(engine.as_number(borrowed(data[2]))));
  const Scope scope(engine);
  return guarded(context, engine, [&] {
    const std::span<const Value> args(reinterpret_cast<const Value*>(argv), static_cast<std::size_t>(argc));
    return JS_DupValue(context, js(op(engine, keeper->pointer(), index, args)));
  });
}

}  // namespace dcp::engine::quickjs
