// Objects of wasmtime's C interface belong to somebody: what is made is deleted, and what is rooted is unrooted, also
// where the call in between throws.
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "wasmtime/engine.hpp"

using namespace dcp::wasmtime;

namespace {

int deleted_types = 0;
void (*delete_type)(wasm_functype_t*) = nullptr;

void count_deleted(wasm_functype_t* type) {
  ++deleted_types;
  delete_type(type);
}

// A store whose external references count themselves: wasmtime drops what nothing roots when it collects.
struct Counting {
  Counting() : engine(make_engine(code_settings())), store(wt.wasmtime_store_new(engine.get(), nullptr, nullptr)) {}

  wasmtime_context_t* context() { return wt.wasmtime_store_context(store.get()); }

  Rooted<wasmtime_externref_t> reference() {
    wasmtime_externref_t made = {};
    CHECK(wt.wasmtime_externref_new(context(), this, [](void* self) { --static_cast<Counting*>(self)->alive; }, &made));
    ++alive;
    return Rooted(made);
  }

  RootedValue value() {
    wasmtime_val_t made = {};
    made.kind = WASMTIME_EXTERNREF;
    made.of.externref = reference().release();
    return RootedValue(made);
  }

  int left() {
    wt.wasmtime_context_gc(context());
    return alive;
  }

  int alive = 0;
  Owned<wasm_engine_t> engine;
  Owned<wasmtime_store_t> store;
};

[[noreturn]] void fail() { throw std::runtime_error("the call in between"); }

template <typename Body>
void throws(Body body) {
  bool thrown = false;
  try {
    body();
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  CHECK(thrown);
}

void nothing_is_left_where_a_call_in_between_throws() {
  Counting counting;
  throws([&] {
    const auto reference = counting.reference();
    CHECK_EQ(counting.left(), 1);
    fail();
  });
  CHECK_EQ(counting.left(), 0);
  throws([&] {
    RootedValue first = counting.value();
    RootedValue second = std::move(first);
    CHECK_EQ(counting.left(), 1);
    first = counting.value();
    second = counting.value();  // what it held is unrooted
    CHECK_EQ(counting.left(), 2);
    fail();
  });
  CHECK_EQ(counting.left(), 0);
  throws([&] {
    std::vector<wasmtime_val_t> row(3);
    const RootedRow roots(row);
    row[0] = counting.value().release();
    row[1] = counting.value().release();
    CHECK_EQ(counting.left(), 2);
    fail();
  });
  CHECK_EQ(counting.left(), 0);
}

void what_is_handed_over_stays() {
  Counting counting;
  wasmtime_val_t kept = counting.value().release();
  CHECK_EQ(counting.left(), 1);
  {
    const RootedValue again(kept);
  }
  CHECK_EQ(counting.left(), 0);
}

void types_and_errors_are_deleted() {
  delete_type = wt.wasm_functype_delete;
  wt.wasm_functype_delete = count_deleted;
  throws([] {
    wasm_valtype_vec_t params, results;
    wt.wasm_valtype_vec_new_empty(&params);
    wt.wasm_valtype_vec_new_empty(&results);
    const Owned<wasm_functype_t> type(wt.wasm_functype_new(&params, &results));
    fail();
  });
  wt.wasm_functype_delete = delete_type;
  CHECK_EQ(deleted_types, 1);
  throws([] {
    const std::string message = take_message(Owned<wasmtime_error_t>(wt.wasmtime_error_new("no\n  luck")));
    CHECK_EQ(message, "no; luck");
    fail();
  });
}

}  // namespace

int main() {
  open_library(DCP_WASMTIME_LIBRARY);
  nothing_is_left_where_a_call_in_between_throws();
  what_is_handed_over_stays();
  types_and_errors_are_deleted();
  return dcp::test::failures == 0 ? 0 : 1;
}
