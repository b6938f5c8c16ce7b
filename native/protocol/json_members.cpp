#include "json_members.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace py = pybind11;

namespace dcp::protocol {
namespace {

/// The place among an object's keys of those that are array indices; none for other keys.
std::optional<std::uint32_t> array_index(PyObject* key) {
  const Py_ssize_t size = PyUnicode_GET_LENGTH(key);
  if (!PyUnicode_IS_ASCII(key) || size == 0 || size > 10) return std::nullopt;
  const std::string_view digits{static_cast<const char*>(PyUnicode_DATA(key)), static_cast<std::size_t>(size)};
  if (digits[0] == '0' && size > 1) return std::nullopt;
  std::uint64_t index = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    index = 10 * index + static_cast<std::uint64_t>(digit - '0');
  }
  if (index > 0xfffffffe) return std::nullopt;
  return static_cast<std::uint32_t>(index);
}

/// Two keys of Python that differ could be the same one in JavaScript.
void refuse_halves(PyObject* key) {
  for (Py_ssize_t i = 1; i < PyUnicode_GET_LENGTH(key); ++i) {
    const Py_UCS4 first = PyUnicode_READ_CHAR(key, i - 1);
    const Py_UCS4 second = PyUnicode_READ_CHAR(key, i);
    if (first >= 0xd800 && first < 0xdc00 && second >= 0xdc00 && second < 0xe000)
      throw py::value_error("a key holds a character as two halves of a surrogate pair: write it as one");
  }
}

}  // namespace

std::vector<Member> members_of(PyObject* dict) {
  std::vector<Member> members;
  members.reserve(static_cast<std::size_t>(PyDict_Size(dict)));
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  bool ordered = true;
  for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value) != 0;) {
    if (!PyUnicode_Check(key)) throw py::type_error("a key of an object of JSON is a str");
    if (PyUnicode_KIND(key) != PyUnicode_1BYTE_KIND) refuse_halves(key);
    const std::optional<std::uint32_t> index = array_index(key);
    ordered &= !index;
    members.push_back({py::reinterpret_borrow<py::object>(key), py::reinterpret_borrow<py::object>(value), index});
  }
  if (!ordered) {
    std::stable_sort(members.begin(), members.end(), [](const Member& one, const Member& other) {
      return one.index && (!other.index || *one.index < *other.index);
    });
  }
  return members;
}

}  // namespace dcp::protocol
