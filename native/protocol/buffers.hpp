// The bytes of Python objects.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <span>

namespace dcp::protocol {

/// More than this is worked on while other threads run.
inline constexpr std::size_t kLong = 16 << 10;

/// Bytes that stay where they are while this lives.
class Buffer {
 public:
  explicit Buffer(const pybind11::handle& object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_C_CONTIGUOUS) != 0) throw pybind11::error_already_set();
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() { PyBuffer_Release(&view_); }

  bool is_readonly() const { return view_.readonly != 0; }

  template <typename Byte>
  std::span<const Byte> as() const {
    return {static_cast<const Byte*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_{};
};

}  // namespace dcp::protocol
