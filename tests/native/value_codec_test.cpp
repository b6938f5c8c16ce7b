// JavaScript values through the codec of frames and back.
#include "runtime/value_codec.hpp"

#include <random>
#include <string>

#include "check.hpp"

using namespace dcp;

namespace {

class CodecTest {
 public:
  /// Sends the value of `expression` through the codec, with descriptors and without; `predicate` is JavaScript over
  /// `value`.
  void comes_back(const std::string& expression, const std::string& predicate) {
    for (const bool bare : {false, true}) comes_back(expression, predicate, bare);
  }

  void comes_back(const std::string& expression, const std::string& predicate, bool bare) {
    const engine::Scope scope(*engine_);
    try {
      runtime::Frame frame = codec_.encode(run("(" + expression + ")"));
      if (bare) frame = runtime::without_descriptors(frame);
      CHECK(!bare || frame.descriptors.empty());
      engine_->set(engine_->global(), "value", codec_.decode(frame.payload, frame.descriptors));
      const bool holds = engine_->truthy(run(predicate));
      if (!holds) std::fprintf(stderr, "%s -> not %s\n", expression.c_str(), predicate.c_str());
      CHECK(holds);
    } catch (const engine::Thrown& thrown) {
      std::fprintf(stderr, "%s: %s\n", expression.c_str(), engine_->describe_error(thrown.value.get()).message.c_str());
      CHECK(!"thrown");
    }
  }

  void is_refused(const std::string& expression) {
    const engine::Scope scope(*engine_);
    try {
      codec_.encode(run("(" + expression + ")"));
      std::fprintf(stderr, "%s is let through\n", expression.c_str());
      CHECK(!"refused");
    } catch (const engine::Thrown& thrown) {
      CHECK_EQ(engine_->describe_error(thrown.value.get()).name, "TypeError");
    }
  }

  void survives_garbage() {
    std::mt19937 random(7);
    for (int round = 0; round < 50000; ++round) {
      const engine::Scope scope(*engine_);
      std::vector<std::byte> payload(random() % 48);
      for (std::byte& byte : payload) byte = static_cast<std::byte>(random());
      std::vector<ipc::Descriptor> none;
      try {
        codec_.decode(payload, none);
      } catch (const msgpack::Malformed&) {
      } catch (const engine::Thrown&) {  // a BigInt of no digits, say
      }
    }
    CHECK_EQ(engine_->open_scope(), 0);
  }

 private:
  engine::Value run(const std::string& source) {
    return engine_->evaluate(source, "test.js", engine::ScriptKind::classic);
  }

  std::unique_ptr<engine::Engine> engine_ = engine::make_quickjs({std::size_t{1} << 28, std::size_t{1} << 20});
  runtime::ValueCodec codec_{*engine_};
};

}  // namespace

int main() {
  CodecTest test;
  test.comes_back("[1, -1, 2 ** 53 - 1, 0.5, 1e300]", "String(value) === '1,-1,9007199254740991,0.5,1e+300'");
  test.comes_back("-0", "Object.is(value, -0)");
  test.comes_back("NaN", "Number.isNaN(value)");
  test.comes_back("[true, false, null, undefined]", "String(value) === 'true,false,,'");
  test.comes_back("'h\\u00e9 \\u{1f600}'", "value === 'h\\u00e9 \\u{1f600}'");
  test.comes_back("'\\ud800'", "value === '\\ufffd'");
  test.comes_back("[2n ** 200n, -(2n ** 90n), 0n]",
                  "value[0] === 2n ** 200n && value[1] === -(2n ** 90n) && value[2] === 0n");
  test.comes_back("({a: {b: [{}]}, __proto__: null})", "JSON.stringify(value) === '{\"a\":{\"b\":[{}]}}'");
  test.comes_back("JSON.parse('{\"__proto__\": 1}')", "Object.keys(value)[0] === '__proto__'");
  test.comes_back("new Date(1700000000123)", "value instanceof Date && +value === 1700000000123");
  test.comes_back("new Date(-1)", "+value === -1");
  test.comes_back("new Float32Array([1, 2.5])",
                  "value instanceof Float32Array && value[1] === 2.5 && value.length === 2");
  test.comes_back("new BigUint64Array([2n ** 63n])", "value[0] === 2n ** 63n");
  test.comes_back("new DataView(new ArrayBuffer(9), 2, 3)", "value instanceof DataView && value.byteLength === 3");
  test.comes_back("new ArrayBuffer(5)", "value instanceof ArrayBuffer && value.byteLength === 5");
  test.comes_back("new Float64Array(20000).fill(7).subarray(3)",
                  "value.length === 19997 && value.every((x) => x === 7)");
  test.comes_back("new Uint8Array(65536).fill(1)", "(value[0] = 9, value[0] === 9 && value[65535] === 1)");
  test.comes_back(
      "({a: new Uint8Array(70000).fill(1), b: [new ArrayBuffer(70000), 'x'], c: new DataView(new ArrayBuffer(80000))})",
      "value.a[69999] === 1 && value.b[0].byteLength === 70000 && value.b[1] === 'x' && "
      "value.c instanceof DataView && value.c.byteLength === 80000");
  for (const int rows : {2, 20000}) {
    const std::string shape = "[" + std::to_string(rows) + ", 3]", count = std::to_string(3 * rows);
    test.comes_back("Object.assign(new Float64Array(" + count + ").fill(7), { shape: " + shape + " })",
                    "value.shape[0] === value.length / 3 && value.shape[1] === 3 && value.every((x) => x === 7) && "
                    "!Object.keys(value).includes('shape')");
  }
  test.comes_back(
      "[Object.assign(new Uint8Array(1), { shape: [] }), Object.assign(new Int16Array(0), { shape: [3, 0] })]",
      "value[0].shape.length === 0 && value[1].shape.join() === '3,0'");
  for (const char* shape : {"[2, 2]", "[-1, -6]", "[1.5, 4]", "'6'", "[6n]", "[0, 2 ** 53]", "new Array(33).fill(1)"}) {
    test.comes_back(std::string("Object.assign(new Int32Array(6), { shape: ") + shape + " })",
                    "value.length === 6 && value.shape === undefined");
  }
  test.is_refused(
      "Object.defineProperty(new Uint8Array(9), 'shape', { get() { this.buffer.transfer(3); return [9]; } })");
  test.comes_back("new Map([['k', 1], [2, 3]])", "value.k === 1 && value[2] === 3");
  test.comes_back("new Set([1, 2])", "Array.isArray(value) && value.length === 2");
  test.comes_back("new RangeError('x')", "value.name === 'RangeError' && value.message === 'x'");
  test.comes_back("new Proxy([1, Object('s')], {})", "Array.isArray(value) && value.join() === '1,s'");
  test.is_refused("/x/");
  test.is_refused("[Promise.resolve()]");
  test.is_refused("new Date(NaN)");
  test.is_refused("() => 1");
  test.is_refused("Symbol('s')");
  test.is_refused("(() => { const a = []; a.push(a); return a; })()");
  test.survives_garbage();
  return dcp::test::failures == 0 ? 0 : 1;
}
