// Recorders: which calls they record, as which words, and which they leave to the method.
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "engine/recorder_support.hpp"

namespace dcp::test {

namespace {

using namespace engine;

// new Thing(state).send(...) is the method. QuickJS makes built-in functions when they are first looked at, which the
// first line does.
constexpr const char* kSetUp = R"((() => {
  [][Symbol.iterator]().next;
  globalThis.Thing = class Thing {
    #state;
    constructor(state) { this.#state = state; }
    send(number, thing, list, options, size) { return "method"; }
  };
  globalThis.Other = class Other { #state; constructor(state) { this.#state = state; } };
  const device = { id: 1, gone: false };
  device.device = device;
  const state = (id) => ({ id, device, open: true });
  globalThis.thing = new Thing(state(7));
  globalThis.other = new Other(state(8));
  globalThis.closed = new Thing({ id: 9, device, open: false });
  globalThis.lost = new Thing({ id: 9, device: { gone: true }, open: true });
  globalThis.made = (device, id, label, count) => `${device.id} ${id} ${label} ${count}`;
  const thingField = { kind: "object", example: new Thing(null) };
  const pair = [{ kind: "object", example: new Other(null), tag: 0 },
                { kind: "dictionary", tag: 1, inner: [{ kind: "i32", name: "x" }] }];
  globalThis.plan = { example: new Thing(null), header: 5 << 20, open: true, fields: [
    { kind: "u32" }, { ...thingField, nullable: true }, { kind: "sequence", inner: [{ kind: "u32" }], instead: 0 },
    { kind: "dictionary", instead: 0, inner: [
      { kind: "string", name: "label", instead: 0, kept: true }, { kind: "false", name: "flag", instead: 0 },
      { kind: "u64", name: "count", marked: true, kept: true },
      { kind: "union", name: "either", marked: true, inner: pair }] },
    { kind: "u64", instead: -1 }] };
})())";

class Recorders {
 public:
  explicit Recorders(Engine& engine) : engine_(engine), scope_(engine) {
    run(kSetUp);
    ring_.size = kSize;
    install("send", "({ __proto__: plan })");
    install("make", "({ __proto__: plan, made })");
  }

  void usual_calls_are_words() {
    const std::uint32_t all = 0xFFFFFFFF;
    const std::pair<const char*, std::vector<std::uint32_t>> calls[] = {
        {"1, thing", {7, 1, 7, 0, 0, 0, 0, 0, all, all}},
        {"4294967295, null, []", {7, all, 0, 0, 0, 0, 0, 0, all, all}},
        {"1, undefined, [3, 4], {}, 2 ** 33 + 5", {7, 1, 0, 2, 3, 4, 0, 0, 0, 0, 5, 2}},
        {"1, null, [], { label: 'abcde', flag: false }", {7, 1, 0, 0, 5, 0x64636261, 0x65, 0, 0, 0, all, all}},
        {"1, null, [], { count: 3, either: { x: -1 } }", {7, 1, 0, 0, 0, 0, 1, 3, 0, 1, 1, all, all, all}},
        {"1, null, [], Object.create({ count: 3 }), 0", {7, 1, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0}},
        {"1, null, [], { either: other }", {7, 1, 0, 0, 0, 0, 0, 1, 0, 8, all, all}},
    };
    for (const auto& [arguments, words] : calls) {
      CHECK_EQ(send(arguments), "undefined");
      const std::uint32_t size = static_cast<std::uint32_t>(words.size()) + 1;
      CHECK_EQ(ring_.cursor[0], size);
      CHECK_EQ(memory_[0], (5u << 20) + size);
      CHECK(std::vector<std::uint32_t>(memory_.begin() + 1, memory_.begin() + size) == words);
    }
  }

  void all_others_are_the_methods() {
    for (const char* arguments : {"",
                                  "1",
                                  "-1, null",
                                  "1.5, null",
                                  "4294967296, null",
                                  "'1', null",
                                  "1n, null",
                                  "{ valueOf: () => 1 }, null",
                                  "1, other",
                                  "1, {}",
                                  "1, new Proxy(thing, {})",
                                  "1, null, 5",
                                  "1, null, [1, '2']",
                                  "1, null, [1,, 2]",
                                  "1, null, new Set([1])",
                                  "1, null, new Uint32Array(1)",
                                  "1, null, new Array(2)",
                                  "1, null, Object.assign([1], { [Symbol.iterator]: () => [][Symbol.iterator]() })",
                                  "1, null, [], 5",
                                  "1, null, [], { label: 'h\xC3\xA9' }",
                                  "1, null, [], { label: 'a'.repeat(300) }",
                                  "1, null, [], { label: null }",
                                  "1, null, [], { flag: true }",
                                  "1, null, [], { get count() { return 1; } }",
                                  "1, null, [], { __proto__: { get count() { return 1; } } }",
                                  "1, null, [], new Proxy({}, {})",
                                  "1, null, [], { count: 2 ** 53 }",
                                  "1, null, [], { either: thing }",
                                  "1, null, [], { either: 5 }",
                                  "1, null, [], {}, 0, 0"}) {
      CHECK_EQ(send(arguments), "method");
      CHECK_EQ(ring_.cursor[0], 0u);
    }
    for (const char* self : {"closed", "lost", "other", "{}", "undefined", "new Thing(null)", "new Proxy(thing, {})"}) {
      CHECK_EQ(text(std::string("send.call(") + self + ", 1, null)"), "method");
    }
    CHECK_EQ(ring_.cursor[0], 0u);
  }

  void patched_iterators_are_the_methods() {
    run("(() => { globalThis.saved = Array.prototype[Symbol.iterator]; Array.prototype[Symbol.iterator] = () => 5; "
        "})()");
    CHECK_EQ(send("1, null, [1]"), "method");
    run("Array.prototype[Symbol.iterator] = saved; globalThis.next = [].values().__proto__; saved = next.next");
    run("next.next = () => 5");
    CHECK_EQ(send("1, null, [1]"), "method");
    run("next.next = saved");
    CHECK_EQ(send("1, null, [1]"), "undefined");
  }

  void objects_get_the_next_id() {
    reset();
    ring_.cursor[2] = 20;
    CHECK_EQ(text("make.call(thing, 1, null, [], { label: 'l', count: 6 })"), "1 21 l 6");
    CHECK_EQ(ring_.cursor[2], 21u);
    CHECK_EQ(memory_[2], 21u);
    reset();
    CHECK_EQ(text("make.call(thing, 1, {})"), "method");
    CHECK_EQ(ring_.cursor[2], 21u);
  }

  void nothing_is_written_beyond_the_room() {
    for (std::uint32_t room = 0; room < 11; ++room) {
      reset();
      ring_.cursor[0] = kSize * 5 - 4;
      ring_.cursor[1] = ring_.cursor[0] + room;
      memory_.fill(77);
      CHECK_EQ(text("send.call(thing, 1, null)"), "method");  // it would wrap
      for (std::uint32_t i = 0; i < kSize - 4; ++i) CHECK_EQ(memory_[i], 77u);
      ring_.cursor[0] = 8;
      ring_.cursor[1] = 8 + room;
      CHECK_EQ(text("send.call(thing, 1, null)"), room < 11 ? "method" : "undefined");
      CHECK_EQ(memory_[8 + room], 77u);
    }
    reset();
    ring_.cursor[1] = 0xFFFFFFFF;  // behind the cursor
    CHECK_EQ(text("send.call(thing, 1, null)"), "method");
    reset();
    ring_.words = nullptr;
    CHECK_EQ(text("send.call(thing, 1, null)"), "method");
  }

  void it_looks_like_the_method() {
    CHECK_EQ(text("`${send.name} ${send.length} ${'prototype' in send}`"), "send 5 false");
  }

 private:
  static constexpr std::uint32_t kSize = 64;

  Value run(const std::string& source) { return engine_.evaluate(source, "test.js", ScriptKind::classic); }
  std::string text(const std::string& source) { return engine_.to_string(run(source)); }

  void install(const char* name, const char* plan) {
    const Value method = run("Thing.prototype.send");
    engine_.set(engine_.global(), name, engine_.recorder_support()->recorder(method, run(plan), ring_));
  }

  void reset() {
    ring_.words = memory_.data();
    ring_.cursor[0] = 0;
    ring_.cursor[1] = kSize;
  }

  std::string send(const std::string& arguments) {
    reset();
    return text("send.call(thing" + std::string(arguments.empty() ? "" : ", ") + arguments + ")");
  }

  Engine& engine_;
  Scope scope_;
  std::array<std::uint32_t, kSize> memory_ = {};
  WordRing ring_ = {};
};

}  // namespace

}  // namespace dcp::test

int main() {
  const auto engine = dcp::engine::make_quickjs({std::size_t{1} << 28, std::size_t{1} << 20});
  {
    dcp::test::Recorders recorders(*engine);
    recorders.usual_calls_are_words();
    recorders.all_others_are_the_methods();
    recorders.patched_iterators_are_the_methods();
    recorders.objects_get_the_next_id();
    recorders.nothing_is_written_beyond_the_room();
    recorders.it_looks_like_the_method();
  }
  return dcp::test::failures == 0 ? 0 : 1;
}
