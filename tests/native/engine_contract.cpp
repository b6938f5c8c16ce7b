#include "engine_contract.hpp"

#include <cmath>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <string>

#include "check.hpp"

namespace dcp::test {

namespace {

using namespace engine;

class Contract {
 public:
  explicit Contract(Engine& engine) : engine_(engine) {}

  void values() {
    const Scope scope(engine_);
    const std::string text = "h\xC3\xA9 \xE2\x9C\x93 \xF0\x9F\x8E\x89";
    CHECK_EQ(engine_.to_string(engine_.string(text)), text);
    CHECK_EQ(engine_.string_length(engine_.string(text)), 7);
    CHECK_EQ(engine_.to_string(engine_.string(std::u16string_view(u"a\xD800z"))), "a\xEF\xBF\xBDz");
    CHECK_EQ(engine_.to_string(engine_.string("\xFF")), "\xEF\xBF\xBD");
    CHECK_EQ(engine_.to_string(engine_.concat(engine_.string("ab"), engine_.string("cd"))), "abcd");
    CHECK_EQ(engine_.to_string(engine_.slice(engine_.string("abcd"), 1, 3)), "bc");
    for (const char* digits : {"0", "1", "-1", "ffffffffffffffff", "-123456789abcdef0123456789"}) {
      CHECK_EQ(engine_.bigint_to_hex(engine_.bigint_from_hex(digits)), digits);
    }
    CHECK_EQ(thrown([&] { engine_.bigint_from_hex("xyz"); }).name, "SyntaxError");
    CHECK_EQ(engine_.to_bigint64(engine_.bigint(-5)), -5);
    CHECK_EQ(engine_.bigint_to_hex(engine_.biguint(~std::uint64_t{0})), "ffffffffffffffff");
    CHECK_EQ(engine_.date_value(engine_.date(86400000)), 86400000);
    CHECK(std::isnan(engine_.as_number(engine_.string("1"))));
    CHECK_EQ(engine_.to_number(engine_.string("1.5")), 1.5);
    CHECK_EQ(engine_.to_int32(engine_.number(4294967297.0)), 1);
  }

  /// Put together from pieces that may cut a character, and read again in stretches.
  void long_strings() {
    for (const std::string end : {"", "z", "\xC3\xA9", "\xE2\x9C\x93", "\xF0\x9F\x8E\x89"}) {
      for (const std::size_t piece : {1, 7, 64, 1000, 70000}) {
        const Scope scope(engine_);
        const std::string text = std::string(70001, 'a') + end + std::string(70, 'b');
        const auto builder = engine_.string_builder();
        for (std::size_t at = 0; at < text.size(); at += piece) builder->add(std::string_view(text).substr(at, piece));
        const Value string = builder->finish();
        CHECK(engine_.to_string(string) == text);
        std::size_t units = 0;
        engine_.for_each_stretch(string, [&](StringUnits stretch) { return units += stretch.length, true; });
        CHECK_EQ(units, engine_.string_length(string));
      }
    }
    const Scope scope(engine_);
    CHECK_EQ(engine_.string_length(engine_.string_builder()->finish()), 0);
  }

  void kinds() {
    const Scope scope(engine_);
    const std::map<std::string, Kind> kinds = {
        {"undefined", Kind::undefined}, {"null", Kind::null},  {"true", Kind::boolean},       {"1.5", Kind::number},
        {"1n", Kind::bigint},           {"''", Kind::string},  {"Symbol()", Kind::symbol},    {"({})", Kind::object},
        {"(() => 1)", Kind::function},  {"[1]", Kind::object}, {"(class {})", Kind::function}};
    for (const auto& [source, kind] : kinds) CHECK_EQ(engine_.kind(run(source)), kind);
    CHECK(engine_.same(run("globalThis"), engine_.global()) && !engine_.same(run("NaN"), run("NaN")));
    CHECK(engine_.truthy(run("'0'")) && !engine_.truthy(run("''")));
  }

  void object_kinds() {
    const Scope scope(engine_);
    const std::map<ObjectKind, std::vector<std::string>> kinds = {
        {ObjectKind::plain,
         {"({ length: 1 })", "Object.create(null)", "new (class {})", "(function () { return arguments; })()",
          "new Proxy({}, {})"}},
        {ObjectKind::array, {"[]", "new (class extends Array {})", "new Proxy(new Proxy([], {}), {})"}},
        {ObjectKind::buffer,
         {"new ArrayBuffer(1)", "new SharedArrayBuffer(1)", "new Float16Array(1)", "new DataView(new ArrayBuffer(1))",
          "(() => { const b = new ArrayBuffer(1); b.transfer(); return b; })()"}},
        {ObjectKind::date, {"new Date"}},
        {ObjectKind::error, {"new RangeError", "new (class extends Error {})"}},
        {ObjectKind::map, {"new Map"}},
        {ObjectKind::set, {"new Set"}},
        {ObjectKind::boxed, {"Object(1)", "Object('s')", "Object(true)", "Object(1n)"}},
        {ObjectKind::proxy,
         {"new Proxy(new Map, {})", "(() => { const p = Proxy.revocable([], {}); p.revoke(); return p.proxy; })()"}},
        {ObjectKind::opaque,
         {"/x/", "Promise.resolve()", "new WeakMap", "new WeakSet", "new WeakRef({})", "(function* () {})()",
          "(async function* () {})()", "new Map().keys()", "Object(Symbol())"}}};
    for (const auto& [kind, sources] : kinds) {
      for (const std::string& source : sources) CHECK_EQ(engine_.object_kind(run(source)), kind);
    }
    CHECK_EQ(engine_.to_string(engine_.unboxed(run("Object('s')"))), "s");
    CHECK_EQ(engine_.as_number(engine_.unboxed(run("Object(1.5)"))), 1.5);
    CHECK_EQ(engine_.kind(engine_.unboxed(run("Object(1n)"))), Kind::bigint);
    CHECK(!engine_.truthy(engine_.unboxed(run("Object(false)"))));
  }

  void properties() {
    const Scope scope(engine_);
    const Value object = engine_.object();
    engine_.set(object, "a", engine_.number(1));
    engine_.set(object, 7u, engine_.number(2));
    engine_.define(object, "hidden", engine_.number(3));
    engine_.define_own(object, "__proto__", engine_.number(4));
    CHECK(engine_.as_number(engine_.get(object, "a")) == 1 && engine_.as_number(engine_.get(object, 7u)) == 2);
    CHECK((engine_.keys(object) == std::vector<std::string>{"7", "a", "__proto__"}));
    CHECK_EQ(engine_.as_number(engine_.get(object, "__proto__")), 4);
    CHECK_EQ(engine_.as_number(engine_.get(object, "hidden")), 3);
    CHECK_EQ(engine_.kind(engine_.get(engine_.null_prototype_object(), "toString")), Kind::undefined);
    CHECK_EQ(thrown([&] { engine_.get(engine_.undefined(), "a"); }).name, "TypeError");
    CHECK_EQ(thrown([&] { engine_.get(run("({ get a() { throw new RangeError('mine') } })"), "a"); }).message, "mine");
    const Value items[] = {engine_.number(1), engine_.string("x")};
    CHECK(engine_.length(engine_.array(items)) == 2 && engine_.length(run("({ length: 3 })")) == 3);
  }

  void exceptions() {
    const Scope scope(engine_);
    const auto error = thrown([&] { run("function f() {\n  throw new TypeError('no');\n}\nf()", "errors.js"); });
    CHECK(error.name == "TypeError" && error.message == "no");
    CHECK(error.stack.starts_with("    at f (errors.js:2:"));
    CHECK(engine_.to_string(run("try { null.x } catch (error) { error.stack }")).starts_with("TypeError: "));
    CHECK(thrown([&] { run("\nlet 1", "syntax.js"); }).stack.find("syntax.js:2:") != std::string::npos);
    CHECK_EQ(thrown([&] { run("throw 5"); }).message, "5");
    CHECK(thrown([&] { run("(function f() { f() })()"); }).name.ends_with("Error"));
    CHECK_EQ(thrown([&] { engine_.raise(ErrorType::range_error, "far"); }).name, "RangeError");
    CHECK_EQ(thrown([&] { engine_.call(engine_.number(1), engine_.undefined(), {}); }).name, "TypeError");
  }

  void functions() {
    const Scope scope(engine_);
    const auto sum = [](Engine& js, void* context, std::span<const Value> args) {
      double total = *static_cast<double*>(context);
      for (const Value arg : args) total += js.to_number(arg);
      return js.number(total);
    };
    double start = 100;
    engine_.set(engine_.global(), "sum", engine_.function("sum", 2, sum, &start));
    CHECK(engine_.as_number(run("sum(1, 2, 3)")) == 106 && engine_.as_number(run("sum()")) == 100);
    CHECK_EQ(engine_.as_number(run("sum(...Array(100).fill(1))")), 200);
    CHECK_EQ(engine_.to_string(run("sum.name + sum.length")), "sum2");
    // What an op lets pass, JavaScript catches, and the other way round.
    CHECK_EQ(engine_.to_string(run("try { sum({ valueOf() { throw 'own' } }) } catch (e) { e }")), "own");
    const auto fail = [](Engine& js, void*, std::span<const Value>) -> Value {
      js.raise(ErrorType::type_error, "from C++");
    };
    engine_.set(engine_.global(), "fail", engine_.function("fail", 0, fail, nullptr));
    CHECK_EQ(engine_.to_string(run("try { fail() } catch (e) { e.name + e.message }")), "TypeErrorfrom C++");
    const Value made[] = {engine_.number(3)};
    CHECK_EQ(engine_.length(engine_.construct(run("Array"), made)), 3);
  }

  void termination() {
    const Scope scope(engine_);
    const auto end = [](Engine& js, void*, std::span<const Value>) -> Value { js.terminate(); };
    engine_.set(engine_.global(), "end", engine_.function("end", 0, end, nullptr));
    bool terminated = false;
    try {
      run("globalThis.after = 0; try { end(); after = 1 } catch { after = 2 } finally { after += 4 } after = 8");
    } catch (const Thrown& thrown) {
      terminated = thrown.terminated;
    }
    CHECK(terminated);
    CHECK_EQ(engine_.as_number(run("after")), 0);
  }

  void microtasks() {
    const Scope scope(engine_);
    run("globalThis.order = ''; Promise.resolve().then(() => { order += 'b' }); order += 'a'");
    CHECK_EQ(engine_.to_string(run("order")), "a");
    engine_.run_microtasks();
    CHECK_EQ(engine_.to_string(run("order")), "ab");
    int rejected = 0, handled = 0;
    engine_.on_rejection([&](Value, Value, bool late) { late ? ++handled : ++rejected; });
    run("globalThis.bad = Promise.reject(new Error('lost')); 0");
    engine_.run_microtasks();
    CHECK(rejected == 1 && handled == 0);
    run("bad.catch(() => {}); 0");
    CHECK_EQ(handled, 1);
    engine_.on_rejection({});
    CHECK_EQ(engine_.promise_state(run("bad")), PromiseState::rejected);
    CHECK_EQ(engine_.promise_state(run("new Promise(() => {})")), PromiseState::pending);
    CHECK_EQ(engine_.as_number(engine_.promise_result(run("Promise.resolve(3)"))), 3);
    CHECK_EQ(engine_.promise_state(run("({ then() {} })")), PromiseState::not_a_promise);
  }

  void buffers() {
    const Scope scope(engine_);
    engine_.set(engine_.global(), "own", engine_.array_buffer(std::size_t{8}));
    CHECK_EQ(engine_.as_number(run("new Uint8Array(own).fill(7).length")), 8);
    const auto part = engine_.buffer_view(run("new Int16Array(own, 2, 2)"));
    CHECK(part && part->type == ElementType::int16 && part->offset == 2 && part->size == 4 && !part->shared);
    CHECK(part && part->data[0] == std::byte{7});
    CHECK(engine_.same(engine_.buffer_of(run("new DataView(own)")), run("own")));
    CHECK_EQ(engine_.buffer_view(run("new DataView(own, 4)"))->type, ElementType::data_view);
    CHECK(!engine_.buffer_view(run("({})")));
    for (int i = 0; i <= static_cast<int>(ElementType::array_buffer); ++i) {
      const auto type = static_cast<ElementType>(i);
      CHECK_EQ(engine_.buffer_view(engine_.view(type, run("own"), 0, 8 / element_size(type)))->type, type);
    }
    CHECK_EQ(thrown([&] { engine_.view(ElementType::int32, run("own"), 4, 2); }).name, "RangeError");
    engine_.detach(run("own"));
    CHECK(engine_.is_detached(run("own")) && !engine_.buffer_view(run("own")));
    CHECK(engine_.buffer_view(run("new SharedArrayBuffer(4)"))->shared);
  }

  void foreign_memory() {
    static int released;
    static std::byte memory[16];
    released = 0;
    std::memset(memory, 9, sizeof memory);
    const auto release = [](void* data, std::size_t size, void* opaque) {
      if (data == memory && size == sizeof memory && opaque == &released) ++released;
    };
    {
      const Scope scope(engine_);
      engine_.set(engine_.global(), "lent", engine_.external_array_buffer(memory, sizeof memory, release, &released));
      CHECK_EQ(engine_.as_number(run("new Uint8Array(lent)[15]")), 9);
      run("globalThis.moved = lent.transfer(); new Uint8Array(moved)[0] = 1; 0");
      CHECK(memory[0] == std::byte{1} && released == 0);
      run("lent = moved = undefined; 0");
    }
    collect();
    CHECK_EQ(released, 1);
  }

  void handles() {
    static int finalized;
    static const char tag = 0, other = 0;
    finalized = 0;
    {
      const Scope scope(engine_);
      const Value handle = engine_.handle(&tag, &finalized, [](void* pointer) { ++*static_cast<int*>(pointer); });
      CHECK_EQ(engine_.handle_pointer(handle, &tag), &finalized);
      CHECK_EQ(engine_.handle_pointer(handle, &other), nullptr);
      CHECK_EQ(engine_.handle_pointer(engine_.object(), &tag), nullptr);
      CHECK_EQ(engine_.handle_pointer(engine_.number(1), &tag), nullptr);
      const auto nothing = [](Engine& js, void*, std::span<const Value>) { return js.undefined(); };
      engine_.owning_function("f", 0, nothing, &finalized, [](void* pointer) { *static_cast<int*>(pointer) += 10; });
    }
    collect();
    CHECK_EQ(finalized, 11);
  }

  void references() {
    Ref kept;
    {
      const Scope scope(engine_);
      kept = Ref(engine_, run("({ alive: 1 })"));
    }
    collect();
    const Scope scope(engine_);
    const Ref copy = kept;
    kept.reset();
    CHECK_EQ(engine_.as_number(engine_.get(copy.get(), "alive")), 1);
  }

  void scripts() {
    const Scope scope(engine_);
    static constexpr std::string_view kSource = "var calls = (globalThis.calls ?? 0) + 1; (() => `${calls} calls`)()";
    const Value script = engine_.compile(kSource, "kept.js");
    CHECK_EQ(engine_.to_string(engine_.run(script)), "1 calls");
    const std::vector<std::byte> code = engine_.code_of(script);
    const auto again = engine_.compiled(kSource, "kept.js", code);
    CHECK(!code.empty() && again && engine_.to_string(engine_.run(*again)) == "2 calls");
    CHECK(!engine_.script_format().empty());
  }

  // Characters of each length in UTF-8, and what is none, beside stretches of ASCII of many lengths.
  void scripts_of_all_characters() {
    static std::list<std::string> sources;  // compile() wants them to outlive the engine
    const Scope scope(engine_);
    const std::string valid[] = {"\xC3\xBF",         "\xC4\x80",         "\xEF\xBF\xBD", "\xED\x9F\xBF\xEE\x80\x80",
                                 "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBB\xBF"};
    const std::string invalid[] = {"\xFF", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                   "\x80"};
    for (const std::size_t length : {0, 1, 63, 64, 65, 200}) {
      const std::string far(length, 'y');
      const auto source = [&](const std::string& characters) -> const std::string& {
        return sources.emplace_back("/*" + far + "*/'" + characters + far + characters + "'");
      };
      for (const std::string& characters : valid) {
        const std::string text = engine_.to_string(engine_.run(engine_.compile(source(characters), "text.js")));
        CHECK_EQ(text, characters + far + characters);
      }
      for (const std::string& characters : invalid) {
        if (std::string_view(engine_.name()) == "quickjs") break;  // a SyntaxError there
        const std::string& text = source("\xC4\x80" + characters);
        const Value expected = engine_.evaluate(text, "text.js", ScriptKind::classic);
        CHECK(engine_.same(engine_.run(engine_.compile(text, "text.js")), expected));
      }
    }
  }

  void names_that_are_no_unicode() {
    const Scope scope(engine_);
    const Value object = run("({ '\\ud800': 1, 'a\\udfffb\\ud83d': 2, '\\ud83d\\ude00': 3, '\\ufffd': 4 })");
    double sum = 0;
    for (const std::string& name : engine_.keys(object)) sum = 10 * sum + engine_.as_number(engine_.get(object, name));
    CHECK_EQ(sum, 1234);
    for (const char* name : {"\xED", "\xED\xA0", "a\xED\xA0\x80\xED", "\xED\xED\xA0\x80"}) {
      engine_.set(object, name, engine_.number(5));
      CHECK_EQ(engine_.as_number(engine_.get(object, name)), 5);
    }
  }

  void random_numbers() {
    const Scope scope(engine_);
    const std::string draw = "Math.random() + ' ' + Math.random()";
    const std::string first = engine_.to_string(run(draw));
    engine_.after_fork();
    const std::string second = engine_.to_string(run(draw));
    CHECK(first != second && second != engine_.to_string(run(draw)));
    const double mean = engine_.as_number(run(
        "let sum = 0; for (let i = 0; i < 100000; i++) { const x = Math.random(); if (!(x >= 0 && x < 1)) sum = NaN; "
        "sum += x; } sum / 100000"));
    CHECK(mean > 0.49 && mean < 0.51);  // 11 standard deviations
    CHECK_EQ(engine_.to_string(run("[Math.random.name, Math.random.length, 'prototype' in Math.random].join()")),
             "random,0,false");
  }

  void modules() {
    const Scope scope(engine_);
    const std::map<std::string, std::string> files = {
        {"lib/a.js",
         "import { b } from './b.js'; export const a = b + 1; globalThis.loads = (globalThis.loads ?? 0) + 1"},
        {"lib/b.js", "export const b = 41"},
        {"lib/bad.js", "export const = 1"}};
    engine_.on_load_module([&](const std::string& name) -> std::optional<std::string> {
      const auto found = files.find(name);
      return found == files.end() ? std::nullopt : std::optional(found->second);
    });
    engine_.evaluate("import { a } from './lib/a.js'; import './lib/a.js'; globalThis.answer = a; await null",
                     "main.js", ScriptKind::module);
    engine_.run_microtasks();
    CHECK(engine_.as_number(run("answer")) == 42 && engine_.as_number(run("loads")) == 1);
    run("import('./lib/b.js').then((m) => { globalThis.late = m.b }); 0", "main.js");
    run("import('./lib/none.js').catch((e) => { globalThis.none = e.message }); 0", "main.js");
    run("import('./lib/bad.js').catch((e) => { globalThis.bad = e.name }); 0", "main.js");
    engine_.run_microtasks();
    CHECK_EQ(engine_.as_number(run("late")), 41);
    CHECK(engine_.to_string(run("none")).find("lib/none.js") != std::string::npos);
    CHECK_EQ(engine_.to_string(run("bad")), "SyntaxError");
  }

 private:
  Value run(const std::string& source, const std::string& name = "test.js") {
    return engine_.evaluate(source, name, ScriptKind::classic);
  }

  Engine::ErrorText thrown(const std::function<void()>& body) {
    try {
      body();
    } catch (const Thrown& thrown) {
      if (!thrown.terminated) return engine_.describe_error(thrown.value.get());
    }
    return {"nothing was thrown", "", ""};
  }

  void collect() {
    for (int i = 0; i < 3; ++i) engine_.collect_garbage();
    engine_.run_microtasks();
  }

  Engine& engine_;
};

}  // namespace

void check_engine(engine::Engine& engine) {
  Contract contract(engine);
  contract.values();
  contract.long_strings();
  contract.kinds();
  contract.object_kinds();
  contract.properties();
  contract.exceptions();
  contract.functions();
  contract.termination();
  contract.microtasks();
  contract.buffers();
  contract.foreign_memory();
  contract.handles();
  contract.references();
  contract.scripts();
  contract.scripts_of_all_characters();
  contract.names_that_are_no_unicode();
  contract.random_numbers();
  contract.modules();
}

}  // namespace dcp::test
