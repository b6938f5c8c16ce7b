// What the core asks of a JavaScript engine. Nothing outside engine/<name>/ includes an engine's own header.
//
// Ownership. A Value is a local handle: it stays valid until the Scope that was innermost when it was made ends.
// Every op call and every callback from the event loop runs in a Scope of its own, so code inside an op needs none.
// A Ref keeps a value across scopes. Handles (Engine::handle) carry a native pointer with a finalizer.
//
// Errors. A function of this interface that runs JavaScript, or that fails, throws Thrown. An op may let Thrown pass:
// the engine turns it back into the JavaScript exception. Ops raise their own with Engine::raise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dcp::engine {

class Engine;
class RecorderSupport;
class WasmSupport;

/// A local handle to a JavaScript value; the two words belong to the engine.
struct Value {
  std::uint64_t word[2];
};

/// Keeps a value alive across scopes. Copyable; must not outlive its engine.
class Ref {
 public:
  Ref() = default;
  Ref(Engine& engine, Value value);
  Ref(const Ref& other);
  Ref(Ref&& other) noexcept : engine_(other.engine_), value_(other.value_) { other.engine_ = nullptr; }
  Ref& operator=(Ref other) noexcept;
  ~Ref() { reset(); }

  explicit operator bool() const { return engine_ != nullptr; }
  /// A local handle to the value, in the current scope.
  Value get() const;
  void reset();

 private:
  Engine* engine_ = nullptr;
  Value value_{};
};

/// A JavaScript exception on its way through C++.
struct Thrown {
  Ref value;                ///< what was thrown; empty when `terminated`
  bool terminated = false;  ///< Engine::terminate() ended execution: JavaScript cannot catch it
};

enum class Kind { undefined, null, boolean, number, bigint, string, symbol, object, function };

/// What an object has besides its properties, or in place of them.
enum class ObjectKind {
  plain,   ///< nothing
  array,   ///< also a Proxy of one
  buffer,  ///< ArrayBuffer, SharedArrayBuffer, typed array or DataView, detached or not
  date,
  error,
  map,
  set,
  boxed,   ///< a Number, String, Boolean or BigInt object
  proxy,   ///< a Proxy of what is neither plain nor an array
  opaque,  ///< something that nothing here tells: RegExp, Promise, WeakMap, a generator
};

enum class ErrorType { error, type_error, range_error, syntax_error, reference_error };

/// The element types of typed arrays; the numbers are those of the wire (docs/protocol.md).
enum class ElementType : std::uint8_t {
  int8 = 0,
  uint8 = 1,
  uint8_clamped = 2,
  int16 = 3,
  uint16 = 4,
  int32 = 5,
  uint32 = 6,
  bigint64 = 7,
  biguint64 = 8,
  float16 = 9,
  float32 = 10,
  float64 = 11,
  data_view = 12,
  array_buffer = 13,
};

/// Bytes per element of `type` (1 for DataView and ArrayBuffer).
std::size_t element_size(ElementType type);

/// The memory behind an ArrayBuffer, SharedArrayBuffer, typed array or DataView.
struct BufferView {
  ElementType type;    ///< array_buffer for an ArrayBuffer itself
  std::byte* data;     ///< first byte of the view; null when empty
  std::size_t size;    ///< bytes
  std::size_t offset;  ///< bytes from the start of the ArrayBuffer
  bool shared;         ///< SharedArrayBuffer behind it
};

/// The code units of a string, without a copy: one byte each, or two. Valid as long as the string.
struct StringUnits {
  const void* data;
  std::uint32_t length;
  bool wide;

  char16_t operator[](std::size_t i) const {
    return wide ? static_cast<const char16_t*>(data)[i] : static_cast<const unsigned char*>(data)[i];
  }
};

/// A string that comes as pieces of UTF-8, cut anywhere. Its bytes are not held twice where all of them are ASCII.
class StringBuilder {
 public:
  virtual ~StringBuilder() = default;
  virtual void add(std::string_view utf8) = 0;
  /// The string, as Engine::string() would give it. The last call.
  virtual Value finish() = 0;
};

/// A native function that JavaScript can call. Missing arguments are absent from `args`.
using Op = Value (*)(Engine& engine, void* context, std::span<const Value> args);

/// Called once when an external ArrayBuffer's memory is no longer in use by the engine (collected, or detached).
using ReleaseBuffer = void (*)(void* data, std::size_t size, void* opaque);

enum class ScriptKind { classic, module };

/// The state of a promise.
enum class PromiseState { not_a_promise, pending, fulfilled, rejected };

/// How a new engine is limited.
struct Limits {
  std::size_t memory = 0;       ///< bytes of the JavaScript heap; 0: unlimited
  std::size_t stack = 1 << 20;  ///< bytes of native stack that JavaScript may use
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual const char* name() const = 0;  ///< "quickjs", "v8"
  virtual std::string version() const = 0;
  /// Null in an engine that has a WebAssembly of its own.
  virtual WasmSupport* wasm_support() { return nullptr; }
  /// Null in an engine that compiles JavaScript.
  virtual RecorderSupport* recorder_support() { return nullptr; }

  // --- Running code ---
  /// Evaluates a classic script in the global scope and returns its completion value, or a module and returns its
  /// promise. `name` is the file name of stack traces.
  virtual Value evaluate(std::string_view source, const std::string& name, ScriptKind kind) = 0;
  /// Compiles a classic script. `source` has a zero behind it and outlives the engine, which reads in it later on.
  virtual Value compile(std::string_view source, const std::string& name) = 0;
  /// The script that code_of() has given `code` for. `source` and `name` are those it was compiled from, and
  /// `source` outlives the engine. Nothing where the code does not fit. The code is not verified: whoever chooses it
  /// chooses what this process does.
  virtual std::optional<Value> compiled(std::string_view source, const std::string& name,
                                        std::span<const std::byte> code) = 0;
  /// A script as bytes, for engines of the same script_format(). Empty: it cannot be had so.
  virtual std::vector<std::byte> code_of(Value script) = 0;
  /// Whether functions are compiled when they are first called: there is more code when the script has run.
  virtual bool compiles_lazily() const { return false; }
  /// What the bytes of scripts depend on: this engine, its version, its build.
  virtual std::string script_format() const = 0;
  /// Evaluates a script that compile() or compiled() has given and returns its completion value.
  virtual Value run(Value script) = 0;
  virtual Value call(Value function, Value self, std::span<const Value> args) = 0;
  virtual Value construct(Value constructor, std::span<const Value> args) = 0;
  /// Runs all pending microtasks. An exception that a job throws is thrown after the rest has run.
  virtual void run_microtasks() = 0;
  /// A number that follows code through promises: a reaction runs with the one that was set where then() was called,
  /// or await. 0 where nothing was set; kNobody in callbacks of FinalizationRegistry.
  virtual std::int64_t async_context() = 0;
  virtual void set_async_context(std::int64_t context) = 0;
  static constexpr std::int64_t kNobody = -1;
  /// When the engine has something to do that code waits for (the timeout of Atomics.waitAsync), in milliseconds of
  /// CLOCK_MONOTONIC; run_microtasks() does it then.
  virtual std::optional<double> next_task() { return std::nullopt; }
  /// How a module specifier becomes source: returns nothing where there is no such module.
  using LoadModule = std::function<std::optional<std::string>(const std::string& resolved_name)>;
  virtual void on_load_module(LoadModule load) = 0;
  /// Told of each promise that is rejected without a handler, and again (handled = true) when one is added late.
  using RejectionHook = std::function<void(Value promise, Value reason, bool handled)>;
  virtual void on_rejection(RejectionHook hook) = 0;
  /// Called where the heap has met its limit and the engine can make no exception of it. No JavaScript may run, and the
  /// process has to end: the hook does not return. An engine that throws an error instead never calls it.
  using OutOfMemory = std::function<void()>;
  virtual void on_out_of_memory(OutOfMemory) {}
  /// Whether an error since the last call said that no memory was left: the engine's, or one that was noted here.
  virtual bool take_out_of_memory() { return std::exchange(out_of_memory_noted_, false); }
  void note_out_of_memory() { out_of_memory_noted_ = true; }
  /// Whether the heap has room for hardly more than another error. Garbage counts: collect it first.
  virtual bool is_full() { return false; }
  /// Before the first fork(), when everything is loaded.
  virtual void before_fork() {}
  /// After fork(): new random state, and the stack is measured from here.
  virtual void after_fork() = 0;
  virtual void collect_garbage() = 0;

  // --- Making values ---
  virtual Value global() = 0;
  virtual Value undefined() = 0;
  virtual Value null() = 0;
  virtual Value boolean(bool value) = 0;
  virtual Value number(double value) = 0;
  virtual Value bigint(std::int64_t value) = 0;
  virtual Value biguint(std::uint64_t value) = 0;
  /// A BigInt from ASCII hexadecimal digits, with '-' before them when negative; throws SyntaxError for other text.
  virtual Value bigint_from_hex(std::string_view text) = 0;
  /// A string from UTF-8; invalid sequences become U+FFFD.
  virtual Value string(std::string_view utf8) = 0;
  /// Must not outlive the engine.
  virtual std::unique_ptr<StringBuilder> string_builder() = 0;
  virtual Value object() = 0;
  virtual Value null_prototype_object() = 0;
  /// A string from code units, which may be lone surrogates.
  virtual Value string(std::u16string_view units) = 0;
  virtual Value concat(Value first, Value second) = 0;
  /// Code units `start` to `end` of a string: start <= end <= its length.
  virtual Value slice(Value string, std::uint32_t start, std::uint32_t end) = 0;
  virtual Value array(std::span<const Value> items) = 0;
  virtual Value date(double milliseconds) = 0;
  virtual Value error(ErrorType type, std::string_view message) = 0;
  virtual Value function(const std::string& name, int length, Op op, void* context) = 0;
  /// A function whose `context` is destroyed with `finalize(context)` when the function is collected.
  virtual Value owning_function(const std::string& name, int length, Op op, void* context, void (*finalize)(void*)) = 0;
  /// An opaque object that carries `pointer`; `tag` tells kinds of handles apart; `finalize` may be null.
  virtual Value handle(const void* tag, void* pointer, void (*finalize)(void* pointer)) = 0;
  virtual Value array_buffer(std::span<const std::byte> copy_of) = 0;
  /// A zeroed ArrayBuffer of the engine's own memory.
  virtual Value array_buffer(std::size_t size) = 0;
  /// An ArrayBuffer over foreign memory. The guest can move it to another ArrayBuffer with transfer(): only `release`
  /// says that nobody looks at the memory any more.
  virtual Value external_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) = 0;
  virtual Value external_shared_array_buffer(void* data, std::size_t size, ReleaseBuffer release, void* opaque) = 0;
  /// The largest ArrayBuffer of this engine, in bytes.
  virtual std::size_t longest_array_buffer() const = 0;
  virtual void detach(Value array_buffer) = 0;
  virtual bool is_detached(Value array_buffer) = 0;
  /// A view of `length` elements over an ArrayBuffer.
  virtual Value view(ElementType type, Value array_buffer, std::size_t byte_offset, std::size_t length) = 0;

  // --- Looking at values (none of these runs JavaScript unless said) ---
  virtual Kind kind(Value value) = 0;
  virtual ObjectKind object_kind(Value object) = 0;
  virtual Value unboxed(Value boxed) = 0;   ///< the number, string, boolean or bigint in an object
  virtual bool same(Value a, Value b) = 0;  ///< ===
  /// A number for hash tables, of an object: the same as long as it lives. Another object may have it too.
  virtual std::uintptr_t identity(Value object) = 0;
  virtual bool truthy(Value value) = 0;
  virtual double as_number(Value value) = 0;  ///< of a number; NaN for other kinds
  /// UTF-8 of a string; lone surrogates become U+FFFD. Other kinds: may run JavaScript (ToString).
  virtual std::string to_string(Value value) = 0;
  /// Code units of a string; of nothing else.
  virtual std::uint32_t string_length(Value string) = 0;
  /// Calls `take` with one stretch of code units after the other, which spares a flat copy of a string that the guest
  /// has put together. A false from it ends the calls. `take` does not call the engine: the units lie where it has
  /// them.
  virtual void for_each_stretch(Value string, const std::function<bool(StringUnits)>& take) = 0;
  virtual double to_number(Value value) = 0;                       ///< ToNumber; may run JavaScript
  virtual std::int32_t to_int32(Value value) = 0;                  ///< ToInt32; may run JavaScript
  virtual std::int64_t to_bigint64(Value value) = 0;               ///< ToBigInt64; may run JavaScript
  virtual std::string bigint_to_hex(Value value) = 0;              ///< the inverse of bigint_from_hex
  virtual double date_value(Value value) = 0;                      ///< milliseconds of a Date
  virtual void* handle_pointer(Value value, const void* tag) = 0;  ///< null when it is no such handle
  virtual std::optional<BufferView> buffer_view(Value value) = 0;  ///< nothing when it is no buffer, or detached
  /// The ArrayBuffer behind a typed array or DataView; the value itself for an ArrayBuffer.
  virtual Value buffer_of(Value view) = 0;
  virtual PromiseState promise_state(Value value) = 0;
  virtual Value promise_result(Value value) = 0;

  // --- Properties (may run JavaScript) ---
  virtual Value get(Value object, std::string_view name) = 0;
  virtual Value get(Value object, std::uint32_t index) = 0;
  virtual void set(Value object, std::string_view name, Value value) = 0;
  virtual void set(Value object, std::uint32_t index, Value value) = 0;
  /// Defines a data property, writable, configurable and not enumerable, as WebIDL does for global objects.
  virtual void define(Value object, std::string_view name, Value value) = 0;
  /// Defines a plain data property (enumerable, writable, configurable); "__proto__" is a name like any other.
  virtual void define_own(Value object, std::string_view name, Value value) = 0;
  virtual std::uint64_t length(Value object) = 0;
  /// Own enumerable string keys, as get() takes them: UTF-8, but for lone surrogates (replace_surrogates).
  virtual std::vector<std::string> keys(Value object) = 0;

  /// The reason of a thrown value as text, and the lines of the calls that its stack has after "Name: message".
  struct ErrorText {
    std::string name, message, stack;
  };
  virtual ErrorText describe_error(Value error) = 0;

  [[noreturn]] void raise(Value value);
  [[noreturn]] void raise(ErrorType type, std::string_view message);
  [[noreturn]] void terminate();

  // --- Scopes and references: use Scope and Ref ---
  virtual std::size_t open_scope() = 0;
  virtual void close_scope(std::size_t mark) = 0;
  virtual Value retain(Value value) = 0;
  virtual void release(Value retained) = 0;
  virtual Value local(Value retained) = 0;

 private:
  bool out_of_memory_noted_ = false;
};

/// Local handles made while it lives end with it.
class Scope {
 public:
  explicit Scope(Engine& engine) : engine_(engine), mark_(engine.open_scope()) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { engine_.close_scope(mark_); }

 private:
  Engine& engine_;
  std::size_t mark_;
};

/// The lines of an error's stack that are calls: the error's name and message stand before them.
std::string calls_of(const std::string& stack, const std::string& name);

/// Turns lone surrogates, each of them three bytes that are no UTF-8, into U+FFFD.
void replace_surrogates(std::string& text);

/// QuickJS-NG.
std::unique_ptr<Engine> make_quickjs(const Limits& limits);
/// The V8 of the `node` program, which must be the one that runs. Throws std::runtime_error.
std::unique_ptr<Engine> make_v8(const Limits& limits);

}  // namespace dcp::engine
