#include "wasm/host.hpp"

#include "wasm/modules.hpp"
#include "wasm/store.hpp"
#include "wasmtime/engine.hpp"

namespace dcp::wasm {

namespace {

// (module (func (export "i") (param externref) (result anyref) local.get 0 any.convert_extern)
//         (func (export "o") (param anyref) (result externref) local.get 0 extern.convert_any))
std::uint8_t kConverters[] = {0,    'a',  's',  'm',  1,    0, 0,    0,    1, 11,   2,    0x60, 1, 0x6F,
                              1,    0x6E, 0x60, 1,    0x6E, 1, 0x6F, 3,    3, 2,    0,    1,    7, 9,
                              2,    1,    'i',  0,    0,    1, 'o',  0,    1, 10,   15,   2,    6, 0,
                              0x20, 0,    0xFB, 0x1A, 0x0B, 6, 0,    0x20, 0, 0xFB, 0x1B, 0x0B};

wasm_config_t* configure(Regions& regions, const Options& options) {
  wasm_config_t* config = wasmtime::code_settings();
  wt.wasmtime_config_parallel_compilation_set(config, false);      // it starts threads, and the process forks
  wt.wasmtime_config_async_stack_size_set(config, options.stack);  // not used, but never less than the next
  wt.wasmtime_config_max_wasm_stack_set(config, options.stack);
  regions.attach(config);
  return config;
}

}  // namespace

Host::Host(Engine& js, const Options& options)
    : js_(js), regions_(options.memory_limit, [&js] { js.note_out_of_memory(); }) {
  engine_ = wasmtime::make_engine(configure(regions_, options));
  settings_ = wasmtime::fingerprint(engine_.get());
  wasmtime_module_t* converters = nullptr;
  check(wt.wasmtime_module_new(engine_.get(), kConverters, sizeof kConverters, &converters), Failure::compile);
  converter_module_.reset(converters);
}

Host::~Host() = default;

void Host::use_compiler(CompileClient::Connect connect) {
  compiler_.emplace(engine_.get(), settings_, std::move(connect));
}

// --- Stores ---

Store& Host::current() {
  if (current_ == nullptr) {
    current_ = new Store(*this);  // its keeper deletes it
    keeps_current_ = Ref(js_, current_->keeper().object());
  }
  return *current_;
}

Store& Host::fresh() {
  leave_crowded();
  return current();
}

void Host::begin_turn() {
  sweep();
  leave_crowded();
}

void Host::leave_crowded() {
  if (current_ == nullptr || !current_->is_crowded()) return;
  if (regions_.is_strained()) return free_memory();
  keeps_current_.reset();
  current_ = nullptr;
}

void Host::retire(Store& store) { retired_.push_back(&store); }

void Host::sweep() {
  const std::vector<Store*> retired = std::exchange(retired_, {});
  for (Store* store : retired) {
    for (std::uint32_t id = 0; id < externs_.size(); ++id) {
      if (!externs_[id] || &externs_[id]->store != store) continue;
      externs_[id].reset();
      free_ids_.push_back(id);
    }
    delete store;
  }
}

void Host::free_memory() {
  keeps_current_.reset();
  current_ = nullptr;
  js_.collect_garbage();
  sweep();
}

// --- Items ---

Extern& Host::item(std::uint32_t id) {
  if (id < externs_.size() && externs_[id]) return *externs_[id];
  raise(Failure::type, "no such item of the WebAssembly store");
}

Extern& Host::item(Args args, std::size_t index, std::uint8_t kind) {
  const double id = index < args.size() ? js_.as_number(args[index]) : -1;
  Extern& found = item(id >= 0 && id < kJsTagId ? static_cast<std::uint32_t>(id) : kJsTagId);
  if (found.item.kind != kind) raise(Failure::type, "an item of another kind of the WebAssembly store");
  return found;
}

std::uint32_t Host::add(Store& store, const wasmtime_extern_t& item) {
  auto made = std::make_unique<Extern>(store, item);
  if (free_ids_.empty()) {
    externs_.push_back(std::move(made));
    return static_cast<std::uint32_t>(externs_.size() - 1);
  }
  const std::uint32_t id = free_ids_.back();
  free_ids_.pop_back();
  externs_[id] = std::move(made);
  return id;
}

std::optional<std::uint32_t> Host::function_id(Value value) {
  if (js_.kind(value) != engine::Kind::function) return std::nullopt;
  const double id = js_.as_number(call_hook(Hook::lookup_function, std::span(&value, 1)));
  if (!(id >= 0)) return std::nullopt;
  return static_cast<std::uint32_t>(id);
}

// (id, object) -> the keeper of the item's store, for the object to hold
Value op_bind(Engine& js, void* context, Args args) {
  Extern& item = host_of(context).item(static_cast<std::uint32_t>(js.as_number(args[0])));
  item.object = item.store.keeper().keep(args[1]);
  return item.store.keeper().object();
}

// (id) -> the object that was bound, or undefined
Value op_object(Engine& js, void* context, Args args) {
  Extern& item = host_of(context).item(static_cast<std::uint32_t>(js.as_number(args[0])));
  return item.object ? item.store.keeper().kept(*item.object) : js.undefined();
}

}  // namespace dcp::wasm
