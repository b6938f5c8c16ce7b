#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "json_members.hpp"
#include "json_reader.hpp"
#include "kvin.hpp"
#include "objects.hpp"
#include "turn.hpp"

namespace py = pybind11;

namespace dcp::protocol {
namespace {

constexpr long long kLastWhole = 1LL << 53;
constexpr std::int64_t kMostLength = 0xFFFFFFFF;

// About what CPython takes. A value that Python code makes counts for more: that takes time too.
constexpr std::size_t kSlot = 8, kList = 72, kMember = 100, kValue = 64, kMade = 256;
constexpr std::size_t kParsed = 50;  // for each character of a text that is read as a value

py::object get(const py::object& dict, const py::object& key) {
  PyObject* found = PyDict_GetItemWithError(dict.ptr(), key.ptr());
  if (found == nullptr && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return borrow(found);
}

void put(const py::object& dict, const py::object& key, const py::object& value) {
  if (PyDict_SetItem(dict.ptr(), key.ptr(), value.ptr()) != 0) throw py::error_already_set();
}

void append(const py::object& list, const py::object& value) {
  if (PyList_Append(list.ptr(), value.ptr()) != 0) throw py::error_already_set();
}

bool is_primitive(PyObject* value) {
  return PyUnicode_Check(value) || PyBool_Check(value) || PyLong_Check(value) || PyFloat_Check(value);
}

/// A whole number of at least `least`; -1 for all else.
std::int64_t whole(const py::object& value, std::int64_t least) {
  if (!value || PyBool_Check(value.ptr()) || !PyLong_Check(value.ptr())) return -1;
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
  return overflow != 0 || number < least ? -1 : number;
}

/// The method `unprepare` of kvin.js, but for references, which count as kvin.js counts them when it writes. (When it
/// reads, it counts the lists of a map's keys and values too, and then takes others for those that were meant.)
class Reader {
 public:
  Reader(const py::object& types, std::size_t depth, std::size_t memory, bool is_own)
      : types_(types), undefined_(types.attr("undefined")), depth_(depth), memory_(memory), copies_(!is_own) {}

  py::object read(const py::object& prepared) {
    types_.attr("check_header")(prepared);
    py::object value = unprepare(get(prepared, what_));
    while (!later_.empty()) {
      const Later next = std::move(later_.front());
      later_.pop_front();
      const bool copies = std::exchange(copies_, next.copies);
      types_.attr("settle")(next.promise, unprepare(next.prepared));
      copies_ = copies;
    }
    return value;
  }

 private:
  struct Later {
    py::object promise, prepared;
    bool copies;
  };

  class Level {
   public:
    explicit Level(Reader& reader) : reader_(reader) {
      if (++reader.level_ > reader.depth_)
        throw py::value_error("the value is nested deeper than " + std::to_string(reader.depth_) + " levels");
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --reader_.level_; }

   private:
    Reader& reader_;
  };

  [[noreturn]] static void refuse(const std::string& reason) { throw py::value_error(reason); }

  void spend(std::size_t bytes) {
    turn_.one_object();
    if (bytes > memory_ - spent_)
      refuse("the value would take more than " + std::to_string(memory_) + " bytes of memory");
    spent_ += bytes;
  }

  std::size_t see(const py::object& value) {
    seen_.push_back(value);
    return seen_.size() - 1;
  }

  py::object unprepare(const py::object& prepared) {
    if (is_primitive(prepared.ptr())) return primitive(prepared);
    if (!PyDict_Check(prepared.ptr())) refuse("an array or null stands where a prepared value must be");
    const Level level(*this);
    if (const py::object raw = get(prepared, raw_)) return plain(raw);
    if (const py::object list = get(prepared, arr_)) {
      if (!get(prepared, ctr_) && !get(prepared, map_keys_)) return array(prepared, list);
    }
    return other(prepared);
  }

  /// In the order in which kvin.js looks for what there is.
  py::object other(const py::object& prepared) {
    spend(kSlot);
    if (const py::object raw = get(prepared, ptv_)) return plain(raw);
    if (const py::object text = get(prepared, number_)) return parsed("number", text);
    if (const py::object text = get(prepared, bigint_)) return parsed("bigint", text);
    if (const py::object name = get(prepared, fn_name_)) return function(prepared, name);
    if (get(prepared, map_keys_) || get(prepared, map_vals_)) return map(prepared);
    for (const py::str* name : {&ab16_, &isl16_, &ab8_, &isl8_})
      if (get(prepared, *name)) return typed_array(prepared);
    if (const py::object list = get(prepared, arr_)) return array(prepared, list);
    if (const py::object constructor = get(prepared, ctr_)) return object(prepared, constructor);
    if (const py::object set = get(prepared, set_)) return this->set(set);
    if (const py::object text = get(prepared, json_)) return parsed("json", text);
    if (get(prepared, undefined_name_)) return undefined_;
    if (const py::object description = get(prepared, symbol_)) {
      spend(kMade);
      py::object symbol = types_.attr("symbol")(description);
      see(symbol);
      return symbol;
    }
    // Where kvin.js writes reject, it writes resolve too.
    if (const py::object value = get(prepared, reject_)) return promise(value, true);
    if (const py::object value = get(prepared, resolve_)) return promise(value, false);
    if (const py::object number = get(prepared, seen_name_)) return reference(number);
    if (get(prepared, header_)) return inner(prepared);
    refuse("no prepared value has such members");
  }

  static py::object primitive(const py::object& value) {
    if (!PyLong_Check(value.ptr()) || PyBool_Check(value.ptr())) return value;
    int overflow = 0;
    const long long integer = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (overflow == 0 && integer <= kLastWhole && integer >= -kLastWhole) return value;
    const double number = PyLong_AsDouble(value.ptr());
    if (number == -1 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      refuse("a whole number is too large for a number of JavaScript");
    }
    return own(PyFloat_FromDouble(number));
  }

  /// What JSON can hold, for which more than one place may have this formula.
  py::object plain(const py::object& value) {
    if (copies_) return copy(value);
    check_depth(value.ptr());
    return value;
  }

  void check_depth(PyObject* value) {
    const bool is_dict = PyDict_Check(value);
    if (!is_dict && !PyList_Check(value)) return;
    const Level level(*this);
    if (is_dict) {
      PyObject* member = nullptr;
      for (Py_ssize_t at = 0; PyDict_Next(value, &at, nullptr, &member) != 0;) check_depth(member);
    } else {
      for (Py_ssize_t index = 0; index < PyList_GET_SIZE(value); ++index) check_depth(PyList_GET_ITEM(value, index));
    }
  }

  py::object copy(const py::object& value) {
    if (is_primitive(value.ptr()) || value.is_none()) {
      spend(kSlot);
      return primitive(value);
    }
    const Level level(*this);
    spend(kList);
    if (PyDict_Check(value.ptr())) {
      py::object made = own(PyDict_New());
      for (const Member& member : members_of(value.ptr())) {
        spend(kMember);
        put(made, member.key, copy(member.value));
      }
      return made;
    }
    if (!PyList_Check(value.ptr()) && !PyTuple_Check(value.ptr())) refuse("what is raw is not JSON");
    py::object made = own(PyList_New(0));
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(value.ptr()); ++index)
      append(made, copy(borrow(PySequence_Fast_GET_ITEM(value.ptr(), index))));
    return made;
  }

  /// `list`: elements and the runs of the same, into `made`.
  void elements(const py::object& list, const py::object& made) {
    if (!PyList_Check(list.ptr())) refuse("the elements of an array are no array");
    py::object last;
    for (Py_ssize_t index = 0; index < PyList_GET_SIZE(list.ptr()); ++index) {
      py::object element = borrow(PyList_GET_ITEM(list.ptr(), index));
      if (PyDict_Check(element.ptr())) {
        if (const py::object run = get(element, lst_)) {
          repeat(last, run, made);
          continue;
        }
      }
      spend(kSlot);
      append(made, unprepare(element));
      last = std::move(element);
    }
  }

  void repeat(const py::object& last, const py::object& run, const py::object& made) {
    const std::int64_t times = whole(run, 1);
    if (times < 0 || !last) refuse("a run of elements repeats nothing, or not some whole number of times");
    if (static_cast<std::size_t>(times) > (memory_ - spent_) / kSlot)
      refuse("the value would take more than " + std::to_string(memory_) + " bytes of memory");
    const bool copies = std::exchange(copies_, true);
    for (std::int64_t time = 0; time < times; ++time) {
      spend(kSlot);
      append(made, unprepare(last));
    }
    copies_ = copies;
  }

  /// The formula of an array to which nothing refers.
  py::object unseen(const py::object& prepared) {
    if (!prepared || !PyDict_Check(prepared.ptr())) refuse("the keys or values of a map or set are missing");
    const py::object list = get(prepared, arr_);
    if (!list) refuse("the keys or values of a map or set are missing");
    spend(kList);
    py::object made = own(PyList_New(0));
    elements(list, made);
    return made;
  }

  py::object array(const py::object& prepared, const py::object& list) {
    spend(kList);
    const bool dense =
        PyDict_Size(prepared.ptr()) == 1 || (!get(prepared, isl_) && !get(prepared, ps_) && !get(prepared, len_));
    py::object made = own(PyList_New(0));
    if (!dense) return sparse(prepared, list, made);
    see(made);
    elements(list, made);
    return made;
  }

  struct Part {
    std::int64_t index;
    py::object elements;  // of an island
    py::object value;     // a prepared value
  };

  py::object sparse(const py::object& prepared, const py::object& list, const py::object& prefix) {
    spend(kMade);
    py::object array = types_.attr("array")();
    see(array);
    elements(list, prefix);
    std::vector<Part> parts = islands(prepared);
    std::vector<Member> named;
    if (const py::object ps = get(prepared, ps_)) {
      if (!PyDict_Check(ps.ptr())) refuse("the properties of an array are no object");
      for (Member& member : members_of(ps.ptr())) {
        if (member.index)
          parts.push_back({*member.index, {}, member.value});
        else
          named.push_back(std::move(member));
      }
    }
    std::stable_sort(parts.begin(), parts.end(),
                     [](const Part& one, const Part& other) { return one.index < other.index; });
    py::object numbered = own(PyList_New(0));
    for (const Part& part : parts)
      append(numbered, py::make_tuple(part.index, part.elements ? island(part.elements) : single(part.value)));
    py::object properties = own(PyDict_New());
    for (const Member& member : named) {
      spend(kMember);
      put(properties, member.key, unprepare(member.value));
    }
    const py::object length = get(prepared, len_);
    if (length && (whole(length, 0) < 0 || whole(length, 0) > kMostLength)) refuse("no array has that length");
    types_.attr("fill_array")(array, prefix, numbered, properties, length ? length : py::none());
    return array;
  }

  py::object single(const py::object& prepared) {
    spend(kMember);
    py::object list = own(PyList_New(0));
    append(list, unprepare(prepared));
    return list;
  }

  std::vector<Part> islands(const py::object& prepared) const {
    std::vector<Part> parts;
    const py::object list = get(prepared, isl_);
    if (!list) return parts;
    if (!PyList_Check(list.ptr())) refuse("the islands of an array are no array");
    for (const py::handle entry : list.cast<py::list>()) {
      if (!PyDict_Check(entry.ptr())) refuse("an island of an array has no place, or no elements");
      const py::object island = borrow(entry.ptr());
      const std::int64_t index = whole(get(island, at_), 0);
      const py::object elements = get(island, arr_);
      if (index < 0 || index >= kMostLength || !elements) refuse("an island of an array has no place, or no elements");
      parts.push_back({index, elements, {}});
    }
    return parts;
  }

  /// kvin.js gives those of a short one to JSON as they are.
  py::object island(const py::object& elements) {
    if (PyList_Check(elements.ptr())) return plain(elements);
    const py::object list = PyDict_Check(elements.ptr()) ? get(elements, arr_) : py::object();
    if (!list) refuse("an island of an array has no elements");
    spend(kList);
    py::object made = own(PyList_New(0));
    see(made);
    this->elements(list, made);
    return made;
  }

  /// The properties; an empty dict if there are none.
  py::object members(const py::object& prepared) { return into(prepared, own(PyDict_New())); }

  /// kvin.js writes the properties of an error as they are, and cannot read those that are no formulas: they are JSON.
  py::object error_member(const py::object& value) {
    const bool is_formula = is_primitive(value.ptr()) || (PyDict_Check(value.ptr()) && has_form(value));
    return is_formula ? unprepare(value) : plain(value);
  }

  bool has_form(const py::object& dict) const {
    const auto names = {&raw_,    &ptv_,     &number_, &bigint_,    &fn_name_, &map_keys_, &map_vals_, &ab16_,
                        &isl16_,  &ab8_,     &isl8_,   &arr_,       &ctr_,     &set_,      &json_,     &undefined_name_,
                        &symbol_, &resolve_, &reject_, &seen_name_, &header_};
    return std::any_of(names.begin(), names.end(), [&](const py::str* name) { return bool{get(dict, *name)}; });
  }

  py::object into(const py::object& prepared, py::object dict, bool of_error = false) {
    const py::object ps = get(prepared, ps_);
    if (!ps) return dict;
    if (!PyDict_Check(ps.ptr())) refuse("the members of an object are no object");
    for (const Member& member : members_of(ps.ptr())) {
      spend(kMember);
      put(dict, member.key, of_error ? error_member(member.value) : unprepare(member.value));
    }
    return dict;
  }

  py::object object(const py::object& prepared, const py::object& constructor) {
    const py::object one = get(prepared, arg_);
    const py::object many = get(prepared, args_);
    if (whole(constructor, 0) == 0 && !one && !many) {
      spend(kValue);
      py::object dict = own(PyDict_New());
      see(dict);
      return into(prepared, dict);
    }
    spend(kMade);
    if (many && !PyList_Check(many.ptr())) refuse("the arguments of a constructor are no array");
    const py::object arguments = many  ? py::object(py::tuple(copy(many)))
                                 : one ? py::object(py::make_tuple(copy(one)))
                                       : py::object(py::tuple());
    // Until it has its members, an object may be known only by its place.
    const py::object made = types_.attr("construct")(constructor, arguments);
    const std::size_t place = see(made);
    const py::object properties = into(prepared, own(PyDict_New()), is_error(constructor));
    py::object finished = types_.attr("finish")(made, properties);
    seen_[place] = finished;
    return finished;
  }

  bool is_error(const py::object& constructor) const {
    return PyUnicode_Check(constructor.ptr()) && PyUnicode_Compare(constructor.ptr(), error_.ptr()) == 0;
  }

  py::object function(const py::object& prepared, const py::object& name) {
    spend(kMade);
    const py::object source = get(prepared, arg_);
    const py::object constructor = get(prepared, ctr_);
    py::object made =
        types_.attr("function")(name, source ? source : py::none(), constructor ? constructor : py::none());
    see(made);
    return types_.attr("finish")(made, members(prepared));
  }

  py::object map(const py::object& prepared) {
    spend(kMade);
    py::object made = types_.attr("map")();
    see(made);
    const py::object keys = unseen(get(prepared, map_keys_));
    const py::object values = unseen(get(prepared, map_vals_));
    types_.attr("fill_map")(made, keys, values, members(prepared));
    return made;
  }

  py::object set(const py::object& prepared) {
    spend(kMade);
    py::object made = types_.attr("set")();
    see(made);
    types_.attr("fill_set")(made, unseen(prepared));
    return made;
  }

  py::object typed_array(const py::object& prepared) {
    spend(2 * kMade);  // an array, and the one that it is a view of
    const auto made = types_.attr("typed_array")(prepared, memory_ - spent_).cast<py::tuple>();
    spend(made[1].cast<std::size_t>());
    py::object array = made[0];
    see(array);
    return array;
  }

  py::object parsed(const char* as, const py::object& text) {
    if (PyUnicode_Check(text.ptr())) spend(kParsed * static_cast<std::size_t>(PyUnicode_GET_LENGTH(text.ptr())));
    return types_.attr(as)(text);
  }

  py::object promise(const py::object& prepared, bool rejected) {
    spend(kMade);
    py::object made = types_.attr("promise")(rejected);
    see(made);
    if (PyDict_Check(prepared.ptr()) && get(prepared, header_))
      types_.attr("settle")(made, nested(prepared));
    else
      later_.push_back({made, prepared, copies_});
    return made;
  }

  /// With a header and references of its own.
  py::object nested(const py::object& prepared) {
    types_.attr("check_header")(prepared);
    std::vector<py::object> outer;
    std::swap(outer, seen_);
    py::object value = unprepare(get(prepared, what_));
    std::swap(outer, seen_);
    return value;
  }

  py::object inner(const py::object& prepared) {
    spend(kMade);
    const std::size_t place = see(py::none());
    py::object value = nested(prepared);
    seen_[place] = value;
    return value;
  }

  py::object reference(const py::object& number) const {
    const std::int64_t place = whole(number, 0);
    if (place < 0 || static_cast<std::size_t>(place) >= seen_.size()) refuse("a reference to no value before it");
    return types_.attr("refer")(seen_[static_cast<std::size_t>(place)]);
  }

  py::object types_, undefined_;
  std::size_t depth_, memory_;
  std::size_t level_ = 0, spent_ = 0;
  bool copies_;
  std::vector<py::object> seen_;
  std::deque<Later> later_;
  Turn turn_;
  const py::str raw_{"raw"}, ptv_{"ptv"}, number_{"number"}, json_{"json"}, bigint_{"bigint"}, seen_name_{"seen"},
      ctr_{"ctr"}, ps_{"ps"}, arg_{"arg"}, args_{"args"}, arr_{"arr"}, lst_{"lst"}, isl_{"isl"}, len_{"len"}, at_{"@"},
      what_{"what"}, map_keys_{"mapKeys"}, map_vals_{"mapVals"}, fn_name_{"fnName"}, ab16_{"ab16"}, isl16_{"isl16"},
      ab8_{"ab8"}, isl8_{"isl8"}, set_{"set"}, undefined_name_{"undefined"}, symbol_{"symbol"}, resolve_{"resolve"},
      reject_{"reject"}, header_{"_serializeVerId"}, error_{"Error"};
};

}  // namespace

py::object kvin_unmarshal(const py::object& prepared, const py::object& types, std::size_t depth, std::size_t memory) {
  const NoCollection uncollected;
  return Reader(types, depth, memory, false).read(prepared);
}

py::object kvin_deserialize(const py::object& json, const py::object& types, std::size_t json_depth, std::size_t depth,
                            std::size_t memory) {
  const NoCollection uncollected;
  const py::object prepared = decode_json(json, json_depth, memory);
  return Reader(types, depth, memory, true).read(prepared);
}

}  // namespace dcp::protocol
