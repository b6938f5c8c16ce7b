// Owners of what wasmtime's C interface hands out: deleted, or unrooted, at the end of their scope, however it ends.
#pragma once

#include <wasmtime_api.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "wasmtime/library.hpp"

namespace dcp::wasmtime {

namespace detail {

template <typename T>
inline constexpr auto kDelete = nullptr;
template <>
inline constexpr auto kDelete<wasm_engine_t> = &wasmtime_api::wasm_engine_delete;
template <>
inline constexpr auto kDelete<wasm_functype_t> = &wasmtime_api::wasm_functype_delete;
template <>
inline constexpr auto kDelete<wasm_globaltype_t> = &wasmtime_api::wasm_globaltype_delete;
template <>
inline constexpr auto kDelete<wasm_memorytype_t> = &wasmtime_api::wasm_memorytype_delete;
template <>
inline constexpr auto kDelete<wasm_tabletype_t> = &wasmtime_api::wasm_tabletype_delete;
template <>
inline constexpr auto kDelete<wasm_tagtype_t> = &wasmtime_api::wasm_tagtype_delete;
template <>
inline constexpr auto kDelete<wasm_trap_t> = &wasmtime_api::wasm_trap_delete;
template <>
inline constexpr auto kDelete<wasmtime_error_t> = &wasmtime_api::wasmtime_error_delete;
template <>
inline constexpr auto kDelete<wasmtime_module_t> = &wasmtime_api::wasmtime_module_delete;
template <>
inline constexpr auto kDelete<wasmtime_sharedmemory_t> = &wasmtime_api::wasmtime_sharedmemory_delete;
template <>
inline constexpr auto kDelete<wasmtime_store_t> = &wasmtime_api::wasmtime_store_delete;
template <>
inline constexpr auto kDelete<wasm_byte_vec_t> = &wasmtime_api::wasm_byte_vec_delete;
template <>
inline constexpr auto kDelete<wasm_exporttype_vec_t> = &wasmtime_api::wasm_exporttype_vec_delete;
template <>
inline constexpr auto kDelete<wasm_frame_vec_t> = &wasmtime_api::wasm_frame_vec_delete;
template <>
inline constexpr auto kDelete<wasm_importtype_vec_t> = &wasmtime_api::wasm_importtype_vec_delete;

template <typename T>
inline constexpr auto kUnroot = nullptr;
template <>
inline constexpr auto kUnroot<wasmtime_val_t> = &wasmtime_api::wasmtime_val_unroot;
template <>
inline constexpr auto kUnroot<wasmtime_anyref_t> = &wasmtime_api::wasmtime_anyref_unroot;
template <>
inline constexpr auto kUnroot<wasmtime_arrayref_t> = &wasmtime_api::wasmtime_arrayref_unroot;
template <>
inline constexpr auto kUnroot<wasmtime_exnref_t> = &wasmtime_api::wasmtime_exnref_unroot;
template <>
inline constexpr auto kUnroot<wasmtime_externref_t> = &wasmtime_api::wasmtime_externref_unroot;

struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    (wt.*kDelete<T>)(object);
  }
};

}  // namespace detail

/// An object behind a pointer.
template <typename T>
using Owned = std::unique_ptr<T, detail::Deleter>;

/// A vector of the C interface, for it to fill in.
template <typename T>
class OwnedVector {
 public:
  OwnedVector() = default;
  OwnedVector(const OwnedVector&) = delete;
  OwnedVector& operator=(const OwnedVector&) = delete;
  ~OwnedVector() {
    if (vec.data != nullptr) (wt.*detail::kDelete<T>)(&vec);
  }
  std::size_t size() const { return vec.size; }
  auto begin() const { return vec.data; }
  auto end() const { return vec.data + vec.size; }

  T vec{0, nullptr};
};

/// A reference, or a value that may be one, which is a root of the collector's as long as this lives.
template <typename T>
class Rooted {
 public:
  Rooted() = default;
  explicit Rooted(const T& made) : value_(made), holds_(true) {}
  Rooted(Rooted&& other) noexcept : value_(other.value_), holds_(std::exchange(other.holds_, false)) {}
  Rooted& operator=(Rooted&& other) noexcept {
    std::swap(value_, other.value_);
    std::swap(holds_, other.holds_);
    return *this;
  }
  ~Rooted() {
    if (holds_) (wt.*detail::kUnroot<T>)(&value_);
  }

  T* get() { return &value_; }
  T& operator*() { return value_; }
  T* operator->() { return &value_; }
  /// For the C interface to fill in; nothing may be held.
  T* fill() {
    holds_ = true;
    return &value_;
  }
  /// Handed over: whoever takes it unroots it.
  T release() {
    holds_ = false;
    return value_;
  }

 private:
  T value_{};
  bool holds_ = false;
};

using RootedValue = Rooted<wasmtime_val_t>;

/// Unroots the values of a row, which lies elsewhere, at the end of its scope.
class RootedRow {
 public:
  explicit RootedRow(std::span<wasmtime_val_t> row) : row_(row) {}
  RootedRow(const RootedRow&) = delete;
  RootedRow& operator=(const RootedRow&) = delete;
  ~RootedRow() {
    for (wasmtime_val_t& value : row_) wt.wasmtime_val_unroot(&value);
  }

 private:
  std::span<wasmtime_val_t> row_;
};

/// The text of an error on one line.
std::string take_message(Owned<wasmtime_error_t> error);

/// A byte vector of the C interface.
class Bytes : public OwnedVector<wasm_byte_vec_t> {
 public:
  std::string_view text() const { return {reinterpret_cast<const char*>(vec.data), vec.size}; }
};

}  // namespace dcp::wasmtime
