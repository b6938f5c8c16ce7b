#include "frame_values.hpp"

#include <datetime.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "msgpack/extensions.hpp"
#include "msgpack/item.hpp"
#include "utf8.hpp"

namespace py = pybind11;

namespace dcp::bindings {

using msgpack::Item;
using msgpack::Type;

namespace {

constexpr std::size_t kLong = 1 << 20;  // bytes whose copy takes about as long as it takes to change threads

py::object own(PyObject* made) {
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

/// Copies without the interpreter's lock where it is much.
void copy(void* into, Bytes data) {
  if (data.size() < kLong) {
    std::memcpy(into, data.data(), data.size());
    return;
  }
  const py::gil_scoped_release unlocked;
  std::memcpy(into, data.data(), data.size());
}

/// The collector of garbage would look at all that is made, again and again, and soon after at all of it at once.
class NoCollections {
 public:
  explicit NoCollections(std::size_t values) : age_(values > kVeryMany) {
    enable_ = values > kMany && PyGC_Disable() != 0;
  }
  NoCollections(const NoCollections&) = delete;
  NoCollections& operator=(const NoCollections&) = delete;
  ~NoCollections() {
    if (!enable_) return;
    if (age_) make_old();
    PyGC_Enable();
  }

 private:
  static constexpr std::size_t kMany = 5000, kVeryMany = 100'000;

  /// Only a full collection looks at what is old. A program that has frozen objects keeps them so.
  static void make_old() noexcept {
    try {
      const py::module_ gc = py::module_::import("gc");
      if (gc.attr("get_freeze_count")().cast<std::size_t>() != 0) return;
      gc.attr("freeze")();
      gc.attr("unfreeze")();
    } catch (py::error_already_set&) {  // it is slower, then
    }
  }

  bool age_;
  bool enable_ = false;
};

/// Lets other threads run when this one has for some milliseconds.
class Turn {
 public:
  void spend(std::size_t work) {
    work_ += work;
    if (work_ < kCheck) return;
    work_ = 0;
    if (Clock::now() - begun_ < std::chrono::milliseconds(4)) return;
    {
      const py::gil_scoped_release unlocked;
    }
    begun_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kCheck = 64 << 10;

  std::size_t work_ = 0;
  Clock::time_point begun_;
};

std::size_t hash(std::string_view key) {
  std::size_t sum = key.size();
  for (const char byte : key) sum = sum * 31 + static_cast<unsigned char>(byte);
  return sum ^ sum >> 9;
}

py::object short_text(std::string_view utf8) {
  return own(PyUnicode_DecodeUTF8(utf8.data(), static_cast<Py_ssize_t>(utf8.size()), nullptr));
}

py::object long_text(Bytes utf8) {
  std::optional<TextShape> shape;
  {
    const py::gil_scoped_release unlocked;
    shape = shape_of(utf8);
  }
  if (!shape) return {};
  py::object text = own(PyUnicode_New(static_cast<Py_ssize_t>(shape->characters), shape->highest));
  void* into = PyUnicode_DATA(text.ptr());
  const py::gil_scoped_release unlocked;  // nobody else has the text yet
  if (shape->highest < 0x80) {
    std::memcpy(into, utf8.data(), utf8.size());
  } else if (shape->width() == 1) {
    widen(utf8, static_cast<std::uint8_t*>(into));
  } else if (shape->width() == 2) {
    widen(utf8, static_cast<std::uint16_t*>(into));
  } else {
    widen(utf8, static_cast<std::uint32_t*>(into));
  }
  return text;
}

py::object make_date(const msgpack::Timestamp& time) {
  using namespace std::chrono;
  const sys_seconds whole{seconds(time.seconds)};
  const auto day = floor<days>(whole);
  const year_month_day date(day);
  const hh_mm_ss clock(whole - day);
  return own(PyDateTimeAPI->DateTime_FromDateAndTime(
      static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
      static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(time.nanoseconds / 1000), PyDateTime_TimeZone_UTC, PyDateTimeAPI->DateTimeType));
}

class Builder {
 public:
  Builder(Bytes payload, const FrameHead& head, const py::sequence& descriptors, const ArrayMakers& makers,
          KnownKeys& keys)
      : reader_(payload), head_(head), descriptors_(descriptors), makers_(makers), keys_(keys) {}

  py::object value() {
    const Item item = reader_.next();
    turn_.spend(item.has_bytes() ? 64 + std::min(item.size, kLong) : 64);
    switch (item.type) {
      case Type::nil:
        return py::none();
      case Type::boolean:
        return py::bool_(item.integer != 0);
      case Type::integer:
        return own(PyLong_FromLongLong(item.integer));
      case Type::unsigned_integer:
        return own(PyLong_FromUnsignedLongLong(item.unsigned_integer));
      case Type::real:
        return own(PyFloat_FromDouble(item.real));
      case Type::text:
        return text(reader_.take(item));
      case Type::binary:
        return make_bytes(reader_.take(item));
      case Type::array:
        return array(item.size);
      case Type::map:
        return map(item.size);
      case Type::extension:
        return extension(item.extension, reader_.take(item));
    }
    return py::none();
  }

 private:
  py::object array(std::size_t count) {
    const py::object list = list_of_none(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (PyList_SetItem(list.ptr(), static_cast<Py_ssize_t>(i), value().release().ptr()) != 0) {
        throw py::error_already_set();  // somebody has made it shorter
      }
    }
    return list;
  }

  /// Another thread that looks at all objects must find no list with holes.
  py::object list_of_none(std::size_t count) {
    py::object list = own(PyList_New(static_cast<Py_ssize_t>(count)));
    PyObject_GC_UnTrack(list.ptr());
    PyObject** items = PySequence_Fast_ITEMS(list.ptr());
    for (std::size_t i = 0; i < count; ++i) {
      items[i] = Py_NewRef(Py_None);
      if (i % 1024 == 1023) turn_.spend(16 << 10);
    }
    PyObject_GC_Track(list.ptr());
    return list;
  }

  py::object map(std::size_t count) {
    py::object made = own(PyDict_New());
    for (std::size_t i = 0; i < count; ++i) {
      const py::object name = key();
      const py::object inner = value();
      if (PyDict_SetItem(made.ptr(), name.ptr(), inner.ptr()) != 0) throw py::error_already_set();
    }
    return made;
  }

  py::object key() {
    const Bytes utf8 = reader_.take(reader_.next());
    if (utf8.size() >= kLong) return text(utf8);
    return checked([&] { return keys_.get({reinterpret_cast<const char*>(utf8.data()), utf8.size()}); });
  }

  py::object text(Bytes utf8) {
    if (utf8.size() < kLong) {
      return checked([&] { return short_text({reinterpret_cast<const char*>(utf8.data()), utf8.size()}); });
    }
    py::object made = long_text(utf8);
    if (!made) throw_no_text();
    return made;
  }

  template <typename Make>
  py::object checked(Make make) const {
    try {
      return make();
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_UnicodeDecodeError)) throw;
    }
    throw_no_text();
  }

  [[noreturn]] void throw_no_text() const { throw UnusableValueError(head_, "a text is not UTF-8"); }

  py::object extension(std::int8_t code, Bytes data) {
    if (code == msgpack::kTimestamp) return make_date(msgpack::read_timestamp(data));
    if (code == msgpack::kBigInt) {
      const std::string digits(data.begin(), data.end());
      return own(PyLong_FromString(digits.c_str(), nullptr, 16));
    }
    if (code == msgpack::kShared) {
      const msgpack::SharedPart part = msgpack::read_shared(data);
      return makers_.from_shared(part.element_type, descriptors_[part.descriptor], part.offset, part.size);
    }
    if (code == msgpack::kShaped) {
      const msgpack::ShapedArray array = msgpack::read_shaped(data);
      return extension(array.code, array.data).attr("reshape")(py::tuple(py::cast(array.shape)));
    }
    const py::object buffer = own(PyByteArray_FromStringAndSize(nullptr, std::ssize(data) - 1));
    copy(PyByteArray_AS_STRING(buffer.ptr()), data.subspan(1));
    return makers_.from_bytes(data[0], buffer);
  }

  msgpack::Reader reader_;
  const FrameHead& head_;
  const py::sequence& descriptors_;
  const ArrayMakers& makers_;
  KnownKeys& keys_;
  Turn turn_;
};

FrameScan scan(Bytes payload, std::size_t descriptors, std::size_t limit) {
  if (payload.size() < kLong) return scan_frame(payload, descriptors, limit);
  const py::gil_scoped_release unlocked;
  return scan_frame(payload, descriptors, limit);
}

}  // namespace

py::object KnownKeys::get(std::string_view key) {
  if (key.size() > kLongest) return short_text(key);
  Slot& slot = slots_[hash(key) % slots_.size()];
  if (!slot.text || std::string_view(slot.bytes, slot.size) != key) {
    slot.text = short_text(key);
    slot.size = key.copy(slot.bytes, kLongest);
  }
  return slot.text;
}

ValueDecoder::ValueDecoder(std::size_t limit, py::object from_bytes, py::object from_shared)
    : limit_(limit), makers_{std::move(from_bytes), std::move(from_shared)} {
  PyDateTime_IMPORT;
  if (PyDateTimeAPI == nullptr) throw py::error_already_set();
}

py::object ValueDecoder::decode(const py::object& payload, const py::sequence& descriptors) {
  if (!PyBytes_Check(payload.ptr())) {
    const auto& large = payload.cast<const LargeFrame&>();
    throw UnusableValueError(large.head,
                             std::to_string(large.size) + " bytes exceed the limit of " + std::to_string(limit_));
  }
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(payload.ptr())),
                    static_cast<std::size_t>(PyBytes_GET_SIZE(payload.ptr())));
  const FrameScan scanned = scan(bytes, descriptors.size(), limit_);
  const NoCollections calm(scanned.values);
  return Builder(bytes, scanned.head, descriptors, makers_, keys_).value();
}

py::object make_bytes(Bytes data) {
  py::object made = own(PyBytes_FromStringAndSize(nullptr, std::ssize(data)));
  copy(PyBytes_AS_STRING(made.ptr()), data);
  return made;
}

}  // namespace dcp::bindings
