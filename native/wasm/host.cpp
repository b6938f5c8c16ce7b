#include "wasm/host.hpp"

#include "wasmtime/engine.hpp"

namespace dcp::wasm {

namespace {

// Most instances, tables and memories that one sandbox may ever make, and elements of one table. The last is the
// limit that the JavaScript API names for implementations.
constexpr std::int64_t kMaxItems = 1'000'000;
constexpr std::int64_t kMaxTableElements = 10'000'000;

wasm_config_t* configure(Regions& regions, const Options& options) {
  wasm_config_t* config = wasmtime::code_settings();
  wt.wasmtime_config_parallel_compilation_set(config, false);  // it starts threads, and the process forks
  wt.wasmtime_config_max_wasm_stack_set(config, options.stack);
  regions.attach(config);
  return config;
}

}  // namespace

Host::Host(Engine& js, const Options& options) : js_(js), regions_(options.memory_limit) {
  engine_ = wasmtime::make_engine(configure(regions_, options));
  settings_ = wasmtime::fingerprint(engine_);
}

void Host::use_compiler(CompileClient::Connect connect) { compiler_.emplace(engine_, settings_, std::move(connect)); }

wasmtime_context_t* Host::context() {
  if (context_ == nullptr) {
    store_ = wt.wasmtime_store_new(engine_, nullptr, nullptr);
    wt.wasmtime_store_limiter(store_, -1, kMaxTableElements, kMaxItems, kMaxItems, kMaxItems);
    context_ = wt.wasmtime_store_context(store_);
  }
  return context_;
}

// --- Items ---

Extern& Host::item(Args args, std::size_t index, std::uint8_t kind) {
  const double id = index < args.size() ? js_.as_number(args[index]) : -1;
  if (id >= 0 && id < static_cast<double>(externs_.size())) {
    Extern& found = item(static_cast<std::uint32_t>(id));
    if (found.item.kind == kind) return found;
  }
  raise(Failure::type, "no such item of the WebAssembly store");
}

std::uint32_t Host::add(const wasmtime_extern_t& item) {
  externs_.push_back(std::make_unique<Extern>());
  externs_.back()->item = item;
  return static_cast<std::uint32_t>(externs_.size() - 1);
}

namespace {

// The structs of the C API have padding: their fields identify an item. A shared memory is identified by its data.
std::array<std::uint32_t, 4> key_of(const wasmtime_extern_t& item) {
  switch (item.kind) {
    case WASMTIME_EXTERN_GLOBAL: {
      const wasmtime_global_t& global = item.of.global_;
      return {item.kind, global.private1_, global.private2_, global.private3_};
    }
    case WASMTIME_EXTERN_TABLE:
      return {item.kind, item.of.table.anon_1_.private1_, item.of.table.private2_, 0};
    case WASMTIME_EXTERN_SHAREDMEMORY: {
      const auto data = reinterpret_cast<std::uintptr_t>(wt.wasmtime_sharedmemory_data(item.of.sharedmemory));
      return {item.kind, static_cast<std::uint32_t>(data >> 32), static_cast<std::uint32_t>(data), 0};
    }
    default:
      return {item.kind, item.of.memory.anon_1_.private1_, item.of.memory.private2_, 0};
  }
}

}  // namespace

// wasmtime gives an imported tag other fields than the tag it is.
std::uint32_t Host::intern_tag(const wasmtime_extern_t& item) {
  wasmtime_tag_t tag = item.of.tag;
  for (const std::uint32_t id : tags_) {
    if (wt.wasmtime_tag_eq(context(), &externs_[id]->item.of.tag, &tag)) return id;
  }
  return add_tag(tag);
}

std::uint32_t Host::add_tag(const wasmtime_tag_t& tag) {
  wasmtime_extern_t item = {};
  item.kind = WASMTIME_EXTERN_TAG;
  item.of.tag = tag;
  return tags_.emplace_back(add(item));
}

std::uint32_t Host::intern(const wasmtime_extern_t& item) {
  if (item.kind == WASMTIME_EXTERN_TAG) return intern_tag(item);
  const Key key = key_of(item);
  if (const auto found = interned_.find(key); found != interned_.end()) return found->second;
  const std::uint32_t id = add(item);
  interned_.emplace(key, id);
  Extern& made = *externs_[id];
  if (item.kind == WASMTIME_EXTERN_GLOBAL) {
    wasm_globaltype_t* type = wt.wasmtime_global_type(context(), &made.item.of.global_);
    made.content = value_type(wt.wasm_globaltype_content(type));
    made.is_mutable = wt.wasm_globaltype_mutability(type) == WASM_VAR;
    wt.wasm_globaltype_delete(type);
  } else if (item.kind == WASMTIME_EXTERN_TABLE) {
    wasm_tabletype_t* type = wt.wasmtime_table_type(context(), &made.item.of.table);
    made.content = value_type(wt.wasm_tabletype_element(type));
    wt.wasm_tabletype_delete(type);
  }
  return id;
}

// --- Memory.buffer ---

std::size_t Host::memory_size(const Extern& memory) {
  wasmtime_extern_t item = memory.item;
  if (item.kind == WASMTIME_EXTERN_SHAREDMEMORY) return wt.wasmtime_sharedmemory_data_size(item.of.sharedmemory);
  return wt.wasmtime_memory_data_size(context(), &item.of.memory);
}

// A region never moves and is never unmapped, so nothing has to happen when JavaScript is done with the buffer.
// A shared buffer of an earlier size stays valid; a new one is made for each size.
Value Host::buffer(Extern& memory) {
  const std::size_t size = memory_size(memory);
  if (memory.buffer && memory.buffer_size == size) return memory.buffer.get();
  if (memory.item.kind == WASMTIME_EXTERN_SHAREDMEMORY) {
    void* data = wt.wasmtime_sharedmemory_data(memory.item.of.sharedmemory);
    memory.buffer = Ref(js_, js_.external_shared_array_buffer(data, size, nullptr, nullptr));
  } else {
    if (memory.buffer) detach(memory);
    void* data = wt.wasmtime_memory_data(context(), &memory.item.of.memory);
    memory.buffer = Ref(js_, js_.external_array_buffer(data, size, nullptr, nullptr));
    attached_.push_back(intern(memory.item));
  }
  memory.buffer_size = size;
  return memory.buffer.get();
}

void Host::detach(Extern& memory) {
  if (!memory.buffer || memory.item.kind == WASMTIME_EXTERN_SHAREDMEMORY) return;
  js_.detach(memory.buffer.get());
  memory.buffer.reset();
}

void Host::detach_grown() {
  const engine::Scope scope(js_);
  std::size_t kept = 0;
  for (const std::uint32_t id : attached_) {
    Extern& memory = *externs_[id];
    if (memory.buffer && memory_size(memory) != memory.buffer_size) detach(memory);
    if (memory.buffer) attached_[kept++] = id;
  }
  attached_.resize(kept);
}

}  // namespace dcp::wasm
