// Recorders: a plan as the structs of recorders.h, and the function that JavaScript calls.
#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <span>
#include <vector>

#include "engine/quickjs/quickjs_engine.hpp"
#include "engine/quickjs/recorders.h"

namespace dcp::engine::quickjs {

namespace {

constexpr std::array kKinds = {"u32",    "i32",   "u64",      "false",      "string",
                               "object", "other", "sequence", "dictionary", "union"};

/// Of one method. Its atoms live as long as the engine, as the classes that have such methods do.
struct Recorder {
  dcp_recorder plan = {};
  WordRing* ring = nullptr;
  std::deque<std::vector<dcp_field>> fields;
};

JSValueConst as_js(Value value) { return std::bit_cast<JSValue>(value); }

/// Reads a plan, an object that our own JavaScript has made.
class PlanReader {
 public:
  PlanReader(QuickJsEngine& engine, JSContext* context, Recorder& recorder)
      : engine_(engine), context_(context), recorder_(recorder) {}

  void read(Value plan) {
    dcp_recorder& result = recorder_.plan;
    result.brand = brand_of(engine_.get(plan, "example"));
    result.header = number(plan, "header");
    result.has_open = engine_.truthy(engine_.get(plan, "open"));
    result.makes = engine_.truthy(engine_.get(plan, "made"));
    result.id = JS_NewAtom(context_, "id");
    result.device = JS_NewAtom(context_, "device");
    result.gone = JS_NewAtom(context_, "gone");
    result.open = JS_NewAtom(context_, "open");
    const std::vector<dcp_field>& fields = list(engine_.get(plan, "fields"));
    result.fields = fields.data();
    result.count = static_cast<std::uint32_t>(fields.size());
  }

 private:
  std::uint32_t number(Value object, const char* name) {
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(engine_.as_number(engine_.get(object, name))));
  }

  bool has(Value object, const char* name) { return engine_.kind(engine_.get(object, name)) != Kind::undefined; }

  JSAtom brand_of(Value example) {
    const JSAtom name = dcp_private_name(context_, as_js(example));
    if (name == JS_ATOM_NULL) engine_.raise(ErrorType::type_error, "an example needs a private field that is null");
    return JS_DupAtom(context_, name);
  }

  const std::vector<dcp_field>& list(Value items) {
    std::vector<dcp_field> fields;
    for (std::uint32_t i = 0; i < engine_.length(items); ++i) fields.push_back(field(engine_.get(items, i)));
    return recorder_.fields.emplace_back(std::move(fields));
  }

  dcp_field field(Value object) {
    dcp_field result = {};
    result.kind = kind(engine_.to_string(engine_.get(object, "kind")));
    if (has(object, "instead")) {
      result.absent = DCP_INSTEAD;
      result.instead = static_cast<std::int32_t>(number(object, "instead"));
    } else if (engine_.truthy(engine_.get(object, "marked"))) {
      result.absent = DCP_MARKED;
    }
    result.nullable = engine_.truthy(engine_.get(object, "nullable"));
    result.kept = engine_.truthy(engine_.get(object, "kept"));
    if (has(object, "name")) result.name = JS_NewAtom(context_, engine_.to_string(engine_.get(object, "name")).c_str());
    if (has(object, "example")) result.brand = brand_of(engine_.get(object, "example"));
    if (has(object, "tag")) result.tag = number(object, "tag");
    if (has(object, "inner")) {
      const std::vector<dcp_field>& inner = list(engine_.get(object, "inner"));
      result.inner = inner.data();
      result.count = static_cast<std::uint32_t>(inner.size());
    }
    return result;
  }

  dcp_field_kind kind(const std::string& name) {
    for (std::size_t i = 0; i < kKinds.size(); ++i) {
      if (name == kKinds[i]) return static_cast<dcp_field_kind>(i);
    }
    engine_.raise(ErrorType::type_error, "a recorder has no fields of kind " + name);
  }

  QuickJsEngine& engine_;
  JSContext* context_;
  Recorder& recorder_;
};

/// Where a record at the cursor may be written.
std::span<std::uint32_t> room_in(const WordRing& ring) {
  if (ring.words == nullptr) return {};
  const std::uint32_t start = ring.cursor[0] & (ring.size - 1);
  const std::uint32_t allowed = ring.cursor[1] - ring.cursor[0];
  if (static_cast<std::int32_t>(allowed) <= 0) return {};
  return {ring.words + start, std::min(allowed, ring.size - start)};
}

JSValue make_object(JSContext* context, JSValueConst made, WordRing& ring, const dcp_record& record) {
  const std::uint32_t id = ++ring.cursor[2];
  JSValueConst arguments[2 + DCP_MOST_KEPT] = {record.device, JS_NewUint32(context, id)};
  std::copy_n(record.kept, record.kept_count, arguments + 2);
  return JS_Call(context, made, JS_UNDEFINED, 2 + record.kept_count, arguments);
}

// data: the method, `made`, the handle that owns the Recorder, its address.
JSValue record_call(JSContext* context, JSValueConst self, int argc, JSValueConst* argv, int, JSValueConst* data) {
  const auto& recorder = *reinterpret_cast<Recorder*>(static_cast<std::uintptr_t>(JS_VALUE_GET_FLOAT64(data[3])));
  WordRing& ring = *recorder.ring;
  const std::span<std::uint32_t> room = room_in(ring);
  dcp_record record;
  if (room.empty() || !dcp_record_call(context, &recorder.plan, self, argc, argv, room.data(),
                                       static_cast<std::uint32_t>(room.size()), ring.cursor[2] + 1, &record)) {
    return JS_Call(context, data[0], self, argc, argv);
  }
  const JSValue result = recorder.plan.makes ? make_object(context, data[1], ring, record) : JS_UNDEFINED;
  if (!JS_IsException(result)) ring.cursor[0] += record.words;
  return result;
}

}  // namespace

Value QuickJsEngine::recorder(Value method, Value plan, WordRing& ring) {
  auto* recorder = new Recorder;
  static const char tag = 0;
  const Value owner = handle(&tag, recorder, [](void* pointer) { delete static_cast<Recorder*>(pointer); });
  recorder->ring = &ring;
  PlanReader(*this, context_, *recorder).read(plan);
  const std::string name = to_string(get(method, "name"));
  const auto length = static_cast<int>(as_number(get(method, "length")));
  JSValueConst data[] = {js(method), js(get(plan, "made")), js(owner),
                         JS_NewFloat64(context_, static_cast<double>(reinterpret_cast<std::uintptr_t>(recorder)))};
  return own(JS_NewCFunctionData2(context_, record_call, name.c_str(), length, 0, 4, data));
}

}  // namespace dcp::engine::quickjs
