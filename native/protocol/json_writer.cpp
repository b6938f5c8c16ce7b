#include "json_writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "buffers.hpp"
#include "json_members.hpp"
#include "json_numbers.hpp"
#include "json_strings.hpp"
#include "turn.hpp"

namespace py = pybind11;

namespace dcp::protocol {
namespace {

constexpr long long kLastWhole = 1LL << 53;  // up to here each whole number is a double

template <typename Unit>
void append_quoted(const void* data, std::size_t size, std::string& out) {
  const std::span<const Unit> text{static_cast<const Unit*>(data), size};
  std::optional<py::gil_scoped_release> others_run;
  if (size > kLong) others_run.emplace();
  const std::size_t begin = out.size();
  out.resize(begin + quoted_size(text));
  write_quoted(text, out.data() + begin);
}

/// `text`: str, which cannot change, and which somebody holds.
void append_text(PyObject* text, std::string& out) {
  const void* data = PyUnicode_DATA(text);
  const auto size = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
  switch (PyUnicode_KIND(text)) {
    case PyUnicode_1BYTE_KIND:
      return append_quoted<std::uint8_t>(data, size, out);
    case PyUnicode_2BYTE_KIND:
      return append_quoted<std::uint16_t>(data, size, out);
    default:
      return append_quoted<std::uint32_t>(data, size, out);
  }
}

void append_utf8(PyObject* bytes, std::string& out) {
  const std::string_view text{PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
  bool valid;
  {
    std::optional<py::gil_scoped_release> others_run;
    if (text.size() > kLong) others_run.emplace();
    valid = is_utf8(text);
  }
  if (!valid) throw py::value_error("bytes are taken for text in UTF-8, which these are not");
  append_quoted<char>(text.data(), text.size(), out);
}

py::bytes to_bytes(const std::string& text) {
  auto bytes =
      py::reinterpret_steal<py::bytes>(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(text.size())));
  if (!bytes) throw py::error_already_set();
  char* into = PyBytes_AS_STRING(bytes.ptr());
  std::optional<py::gil_scoped_release> others_run;  // nobody else has the bytes yet
  if (text.size() > kLong) others_run.emplace();
  std::copy(text.begin(), text.end(), into);
  return bytes;
}

class Writer {
 public:
  explicit Writer(std::size_t depth) : depth_(depth) {}

  void write(const py::object& value) {
    begin(value.ptr());
    while (!open_.empty()) {
      turn_.one_object();
      if (open_.back().list)
        next_element();
      else
        next_member();
    }
  }

  std::string take() { return std::move(out_); }

 private:
  /// A list or an object whose members are being written.
  struct Open {
    py::object list;
    std::vector<Member> members;
    std::size_t next = 0;
  };

  void begin(PyObject* value) {
    if (PyUnicode_Check(value))
      append_text(value, out_);
    else if (value == Py_None)
      out_ += "null";
    else if (value == Py_True)
      out_ += "true";
    else if (value == Py_False)
      out_ += "false";
    else if (PyLong_Check(value))
      whole_number(value);
    else if (PyFloat_Check(value))
      number(PyFloat_AS_DOUBLE(value));
    else if (PyDict_Check(value))
      open('{', {{}, members_of(value)});
    else if (PyList_Check(value) || PyTuple_Check(value))
      open('[', {py::reinterpret_borrow<py::object>(value), {}});
    else if (PyBytes_Check(value))
      append_utf8(value, out_);
    else
      throw py::type_error(std::string("JSON has nothing for a ") + Py_TYPE(value)->tp_name);
  }

  void open(char bracket, Open&& opened) {
    if (open_.size() == depth_)
      throw py::value_error("the value is nested deeper than " + std::to_string(depth_) + ", or holds itself");
    out_ += bracket;
    open_.push_back(std::move(opened));
  }

  void close(char bracket) {
    out_ += bracket;
    open_.pop_back();
  }

  void next_element() {
    Open& open = open_.back();
    // Other threads may have changed the list.
    if (open.next >= static_cast<std::size_t>(PySequence_Fast_GET_SIZE(open.list.ptr()))) return close(']');
    if (open.next > 0) out_ += ',';
    const auto item = py::reinterpret_borrow<py::object>(
        PySequence_Fast_GET_ITEM(open.list.ptr(), static_cast<Py_ssize_t>(open.next++)));
    begin(item.ptr());
  }

  void next_member() {
    Open& open = open_.back();
    if (open.next == open.members.size()) return close('}');
    if (open.next > 0) out_ += ',';
    const Member member = std::move(open.members[open.next++]);
    append_text(member.key.ptr(), out_);
    out_ += ':';
    begin(member.value.ptr());
  }

  void whole_number(PyObject* value) {
    int overflow = 0;
    const long long whole = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0 && -kLastWhole <= whole && whole <= kLastWhole) {
      out_ += std::to_string(whole);
      return;
    }
    const double number = PyLong_AsDouble(value);
    PyErr_Clear();  // OverflowError; the number is -1 then
    const auto back = py::reinterpret_steal<py::object>(PyLong_FromDouble(number));
    if (PyObject_RichCompareBool(back.ptr(), value, Py_EQ) != 1)
      throw py::value_error(
          "a whole number beyond 2**53 is no number of JavaScript: give it as a str, or as a float if it may be "
          "rounded");
    append_number(number, out_);
  }

  void number(double number) {
    if (!std::isfinite(number)) throw py::value_error("JSON has no NaN and no infinity");
    append_number(number, out_);
  }

  std::size_t depth_;
  std::string out_;
  std::vector<Open> open_;
  Turn turn_;
};

}  // namespace

py::bytes encode_json(const py::object& value, std::size_t depth) {
  Writer writer(depth);
  writer.write(value);
  return to_bytes(writer.take());
}

py::bytes quote_json(const py::object& text) {
  std::string quoted;
  if (PyUnicode_Check(text.ptr()))
    append_text(text.ptr(), quoted);
  else if (PyBytes_Check(text.ptr()))
    append_utf8(text.ptr(), quoted);
  else
    throw py::type_error("text is str, or bytes of UTF-8");
  return to_bytes(quoted);
}

}  // namespace dcp::protocol
