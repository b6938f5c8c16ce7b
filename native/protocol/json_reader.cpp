#include "json_reader.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "buffers.hpp"
#include "json_parser.hpp"
#include "json_strings.hpp"
#include "objects.hpp"
#include "turn.hpp"

namespace py = pybind11;

namespace dcp::protocol {
namespace {

constexpr std::size_t kWholeDigits = 15;         // as many always fit a double
constexpr double kLastWhole = 9007199254740992;  // 2^53: up to here each whole number is a double

/// Bytes that nobody changes while other threads run.
Buffer json_of(const py::object& json) {
  Buffer buffer(json);
  if (!buffer.is_readonly()) throw py::type_error("a JSON text is bytes, or a view of bytes");
  return buffer;
}

std::string_view text_of(const Buffer& buffer) {
  const std::span<const char> bytes = buffer.as<char>();
  return {bytes.data(), bytes.size()};
}

/// Long strings are read while other threads run.
StringLiteral read(std::string_view json, std::size_t at) {
  const std::string_view begin = json.substr(at, kLong);
  const std::size_t quote = begin.find('"');
  if (const std::string_view inside = begin.substr(0, quote); quote < begin.size() && all_plain(inside))
    return {inside, quote, quote, quote > 0 ? 0x7fU : 0U};
  // A quote behind a backslash ends nothing.
  const bool ends_soon = quote < begin.size() && (quote == 0 || begin[quote - 1] != '\\');
  if (ends_soon || begin.size() < kLong) return read_string(json, at);
  const py::gil_scoped_release others_run;
  return read_string(json, at);
}

py::object to_str(const StringLiteral& literal) {
  py::object text = own(PyUnicode_New(static_cast<Py_ssize_t>(literal.characters), literal.highest));
  void* into = PyUnicode_DATA(text.ptr());
  const auto kind = PyUnicode_KIND(text.ptr());
  if (literal.stands_for_itself() && literal.inside.size() <= kLong) {
    std::memcpy(into, literal.inside.data(), literal.inside.size());
    return text;
  }
  std::optional<py::gil_scoped_release> others_run;  // nobody else has the text yet
  if (literal.inside.size() > kLong) others_run.emplace();
  if (kind == PyUnicode_1BYTE_KIND)
    write_characters(literal, static_cast<std::uint8_t*>(into));
  else if (kind == PyUnicode_2BYTE_KIND)
    write_characters(literal, static_cast<std::uint16_t*>(into));
  else
    write_characters(literal, static_cast<std::uint32_t*>(into));
  others_run.reset();
  return text;
}

/// Makes Python objects, and adds up what they take.
class Builder {
 public:
  explicit Builder(std::size_t memory) : memory_(memory) {}

  py::object take() { return std::move(root_); }

  static StringLiteral read(std::string_view json, std::size_t at) { return protocol::read(json, at); }
  static void value_begins(std::size_t) {}
  static void value_ended(std::size_t) {}

  void begin(char bracket) {
    spend(bracket == '{' ? sizeof_dict : sizeof_list);
    py::object made = own(bracket == '{' ? PyDict_New() : PyList_New(0));
    add(made);
    open_.push_back({std::move(made), {}});
  }

  void end() { open_.pop_back(); }

  void key(const StringLiteral& literal) {
    spend(sizeof_member);
    if (literal.inside.size() > kShortKey) {
      open_.back().key = text(literal);
      return;
    }
    Key& known = keys_[std::hash<std::string_view>{}(literal.inside) % keys_.size()];
    if (!known.key || known.inside != literal.inside) known = {literal.inside, text(literal)};
    open_.back().key = known.key;
  }

  void string(const StringLiteral& literal) { add(text(literal)); }

  void constant(char first) { add(borrow(first == 't' ? Py_True : first == 'f' ? Py_False : Py_None)); }

  void number(std::string_view text, bool whole, std::size_t at) {
    spend(sizeof_number);
    if (whole && text.size() <= kWholeDigits && text != "-0") {
      long long value = 0;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return add(own(PyLong_FromLongLong(value)));
    }
    const double value = to_double(text);
    if (!std::isfinite(value)) refuse_json(at, "the number is too large");
    if (whole && std::abs(value) <= kLastWhole && text != "-0")
      return add(own(PyLong_FromLongLong(static_cast<long long>(value))));
    add(own(PyFloat_FromDouble(value)));
  }

 private:
  // About what CPython takes, with a place in a list.
  static constexpr std::size_t sizeof_list = 72, sizeof_dict = 80, sizeof_member = 100, sizeof_number = 40,
                               sizeof_string = 64;

  struct Open {
    py::object container;
    py::object key;
  };

  /// Most keys occur often.
  struct Key {
    std::string_view inside;
    py::object key;
  };
  static constexpr std::size_t kShortKey = 64;

  /// Zero for those too near to it, infinity for those too large.
  static double to_double(std::string_view text) {
    double value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc::result_out_of_range) return value;
    return PyOS_string_to_double(std::string(text).c_str(), nullptr, nullptr);
  }

  py::object text(const StringLiteral& literal) {
    spend(sizeof_string + literal.characters * (literal.highest < 0x100 ? 1 : literal.highest < 0x10000 ? 2 : 4));
    return to_str(literal);
  }

  void spend(std::size_t bytes) {
    turn_.one_object();
    spent_ += bytes;
    if (spent_ > memory_)
      throw py::value_error("JSON text: its values would take more than " + std::to_string(memory_) +
                            " bytes of memory");
  }

  void add(const py::object& value) {
    if (open_.empty()) {
      root_ = value;
      return;
    }
    const Open& open = open_.back();
    const int failed = open.key ? PyDict_SetItem(open.container.ptr(), open.key.ptr(), value.ptr())
                                : PyList_Append(open.container.ptr(), value.ptr());
    if (failed != 0) throw py::error_already_set();
  }

  std::size_t memory_;
  std::size_t spent_ = 0;
  py::object root_;
  std::vector<Open> open_;
  std::array<Key, 256> keys_;
  Turn turn_;
};

/// Notes where the values of the outermost object or array are.
class Members {
 public:
  struct Member {
    StringLiteral name;
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  const std::vector<Member>& found() const { return members_; }
  bool is_object() const { return is_object_; }
  bool is_array() const { return is_array_; }

  static StringLiteral read(std::string_view json, std::size_t at) { return read_string(json, at); }

  void value_begins(std::size_t at) {
    if (depth_ != 1) return;
    if (is_array_) add({});
    members_.back().begin = at;
  }
  void value_ended(std::size_t at) {
    if (depth_ == 1) members_.back().end = at;
  }

  void begin(char bracket) {
    if (depth_++ == 0) (bracket == '{' ? is_object_ : is_array_) = true;
  }
  void end() { --depth_; }

  void key(const StringLiteral& name) {
    if (depth_ == 1) add({name});
  }

  static void string(const StringLiteral&) {}
  static void constant(char) {}
  static void number(std::string_view, bool, std::size_t) {}

 private:
  static constexpr std::size_t kMost = 1000;  // what is taken apart so is a message, which has few

  void add(Member member) {
    if (members_.size() == kMost) throw py::value_error("JSON text: too many members or elements");
    members_.push_back(member);
  }

  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool is_array_ = false;
  std::vector<Member> members_;
};

/// Checks the whole text, and notes the parts of its outermost value.
Members parts_of(std::string_view text, std::size_t depth) {
  Members members;
  std::optional<py::gil_scoped_release> others_run;
  if (text.size() > kLong) others_run.emplace();
  JsonParser(text, depth, members).parse();
  return members;
}

}  // namespace

py::object decode_json(const py::object& json, std::size_t depth, std::size_t memory) {
  const Buffer buffer = json_of(json);
  const NoCollection uncollected;
  Builder builder(memory);
  JsonParser(text_of(buffer), depth, builder).parse();
  return builder.take();
}

py::dict json_members(const py::object& json, std::size_t depth) {
  const Buffer buffer = json_of(json);
  const Members members = parts_of(text_of(buffer), depth);
  if (!members.is_object()) throw py::value_error("the JSON text is no object");
  py::dict places;
  for (const Members::Member& member : members.found()) {
    const py::object name = to_str(member.name);
    if (places.contains(name)) throw py::value_error("JSON text: a name occurs twice in an object");
    places[name] = py::make_tuple(member.begin, member.end);
  }
  return places;
}

py::list json_elements(const py::object& json, std::size_t depth) {
  const Buffer buffer = json_of(json);
  const Members elements = parts_of(text_of(buffer), depth);
  if (!elements.is_array()) throw py::value_error("the JSON text is no array");
  py::list places;
  for (const Members::Member& element : elements.found()) places.append(py::make_tuple(element.begin, element.end));
  return places;
}

py::bytes unquote_json(const py::object& json) {
  const Buffer buffer = json_of(json);
  const std::string_view text = text_of(buffer);
  if (text.size() < 2 || text.front() != '"') throw py::value_error("the JSON text is no string");
  const StringLiteral literal = read(text, 1);
  if (literal.inside.size() + 2 != text.size()) refuse_json(literal.inside.size() + 2, "something follows the value");
  if (literal.has_lone_surrogates) throw py::value_error("the text holds half a character, which UTF-8 cannot");
  auto bytes =
      py::reinterpret_steal<py::bytes>(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(literal.utf8_size)));
  if (!bytes) throw py::error_already_set();
  char* into = PyBytes_AS_STRING(bytes.ptr());
  {
    std::optional<py::gil_scoped_release> others_run;  // nobody else has the bytes yet
    if (text.size() > kLong) others_run.emplace();
    write_characters(literal, into);
  }
  return bytes;
}

}  // namespace dcp::protocol
