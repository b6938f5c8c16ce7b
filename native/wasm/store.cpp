#include "wasm/store.hpp"

#include <algorithm>

#include "binary/limits.hpp"
#include "wasm/functions.hpp"

namespace dcp::wasm {

namespace {

// Most instances, tables and memories that one store may ever make.
constexpr std::int64_t kMaxItems = 1'000'000;

// When a store counts as crowded: a program that makes so many memories makes one after the other and forgets them. One
// that links modules at run time has one memory.
constexpr std::size_t kManyRegions = 8;
constexpr std::size_t kManyInstances = 1024;

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

Store::Store(Host& host)
    : host_(host),
      keeper_(host.support().keeper(this,
                                    [](void* store) {
                                      auto& forgotten = *static_cast<Store*>(store);
                                      forgotten.forgotten_ = true;
                                      forgotten.host_.retire(forgotten);
                                    })),
      regions_before_(host.regions().made()) {
  store_.reset(wt.wasmtime_store_new(host.engine(), nullptr, nullptr));
  wt.wasmtime_store_limiter(store_.get(), -1, binary::kMostTableElements, kMaxItems, kMaxItems, kMaxItems);
  context_ = wt.wasmtime_store_context(store_.get());
}

// References go first; what the store drops looks at the other members.
Store::~Store() {
  seen_ = {};
  store_.reset();
}

bool Store::is_crowded() const {
  const Regions& regions = host_.regions();
  return instances_ >= kManyInstances || regions.made() >= regions_before_ + kManyRegions;
}

// --- Items ---

// wasmtime gives an imported tag other fields than the tag it is.
std::uint32_t Store::intern_tag(const wasmtime_extern_t& item) {
  wasmtime_tag_t tag = item.of.tag;
  if (js_tag_ && wt.wasmtime_tag_eq(context_, &*js_tag_, &tag)) return kJsTagId;
  for (const std::uint32_t id : tags_) {
    if (wt.wasmtime_tag_eq(context_, &host_.item(id).item.of.tag, &tag)) return id;
  }
  return add_tag(tag);
}

std::uint32_t Store::add_tag(const wasmtime_tag_t& tag) {
  wasmtime_extern_t item = {};
  item.kind = WASMTIME_EXTERN_TAG;
  item.of.tag = tag;
  return tags_.emplace_back(host_.add(*this, item));
}

std::uint32_t Store::intern(const wasmtime_extern_t& item) {
  if (item.kind == WASMTIME_EXTERN_TAG) return intern_tag(item);
  const Key key = key_of(item);
  if (const auto found = interned_.find(key); found != interned_.end()) {
    (void)shared_memory_of(item);  // one more handle of it
    return found->second;
  }
  const std::uint32_t id = host_.add(*this, item);
  interned_.emplace(key, id);
  describe(host_.item(id));
  return id;
}

void Store::describe(Extern& made) {
  if (made.item.kind == WASMTIME_EXTERN_GLOBAL) {
    const Owned<wasm_globaltype_t> type(wt.wasmtime_global_type(context_, &made.item.of.global_));
    made.content = value_type(wt.wasm_globaltype_content(type.get()));
    made.is_mutable = wt.wasm_globaltype_mutability(type.get()) == WASM_VAR;
  } else if (made.item.kind == WASMTIME_EXTERN_TABLE) {
    const Owned<wasm_tabletype_t> type(wt.wasmtime_table_type(context_, &made.item.of.table));
    made.content = value_type(wt.wasm_tabletype_element(type.get()));
  }
}

// --- Memory.buffer ---

std::size_t Store::memory_size(const Extern& memory) {
  wasmtime_extern_t item = memory.item;
  if (item.kind == WASMTIME_EXTERN_SHAREDMEMORY) return wt.wasmtime_sharedmemory_data_size(item.of.sharedmemory);
  return wt.wasmtime_memory_data_size(context_, &item.of.memory);
}

// Bytes that the memory may grow to, as far as the engine has such buffers.
std::size_t Store::memory_limit(const Extern& memory) {
  constexpr std::uint64_t page = 65536, most_pages = 65536;
  wasmtime_extern_t item = memory.item;
  const Owned<wasm_memorytype_t> type(item.kind == WASMTIME_EXTERN_SHAREDMEMORY
                                          ? wt.wasmtime_sharedmemory_type(item.of.sharedmemory)
                                          : wt.wasmtime_memory_type(context_, &item.of.memory));
  std::uint64_t pages = most_pages;
  if (!wt.wasmtime_memorytype_maximum(type.get(), &pages)) pages = most_pages;
  if (pages > most_pages) host_.raise(Failure::range, "the memory may grow beyond what an ArrayBuffer can");
  return std::min<std::size_t>(pages * page, js().longest_array_buffer() / page * page);
}

// A region never moves, and stays as long as a buffer looks at it, whatever becomes of its store. A shared buffer of an
// earlier size stays valid; a new one is made for each size, unless it can grow.
Value Store::buffer(Extern& memory) {
  const std::size_t size = memory_size(memory);
  if (memory.buffer && memory.buffer_size != size) refresh(memory);
  if (memory.buffer && memory.buffer_size == size) return keeper_.kept(*memory.buffer);
  const bool shared = memory.item.kind == WASMTIME_EXTERN_SHAREDMEMORY;
  void* data = shared ? static_cast<void*>(wt.wasmtime_sharedmemory_data(memory.item.of.sharedmemory))
                      : wt.wasmtime_memory_data(context_, &memory.item.of.memory);
  const std::size_t most = memory.resizable ? memory_limit(memory) : 0;
  void* hold = host_.regions().hold(data);
  const Value made = memory.resizable
                         ? host_.support().resizable_array_buffer(data, size, most, shared, Regions::let_go, hold)
                     : shared ? js().external_shared_array_buffer(data, size, Regions::let_go, hold)
                              : js().external_array_buffer(data, size, Regions::let_go, hold);
  if (memory.buffer) keeper_.drop(*memory.buffer);
  memory.buffer = keeper_.keep(made);
  memory.buffer_size = size;
  if (!shared || memory.resizable) attached_.push_back(interned_.at(key_of(memory.item)));
  return made;
}

Value Store::reshape(Extern& memory, bool resizable) {
  if (memory.resizable == resizable) return buffer(memory);
  if (resizable) (void)memory_limit(memory);  // raises before anything is changed
  detach(memory);
  if (memory.buffer) keeper_.drop(*memory.buffer);  // a shared one
  memory.buffer.reset();
  memory.resizable = resizable;
  return buffer(memory);
}

void Store::detach(Extern& memory) {
  if (!memory.buffer || memory.item.kind == WASMTIME_EXTERN_SHAREDMEMORY) return;
  js().detach(keeper_.kept(*memory.buffer));
  keeper_.drop(*memory.buffer);
  memory.buffer.reset();
}

void Store::refresh(Extern& memory) {
  if (!memory.buffer) return;
  if (!memory.resizable) return detach(memory);
  memory.buffer_size = memory_size(memory);
  host_.support().set_length(keeper_.kept(*memory.buffer), memory.buffer_size);
}

void Store::refresh_grown() {
  const engine::Scope scope(js());
  std::size_t kept = 0;
  for (const std::uint32_t id : attached_) {
    Extern& memory = host_.item(id);
    if (memory.buffer && memory_size(memory) != memory.buffer_size) refresh(memory);
    if (memory.buffer) attached_[kept++] = id;
  }
  attached_.resize(kept);
}

}  // namespace dcp::wasm
