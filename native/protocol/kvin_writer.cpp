#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "json_members.hpp"
#include "kvin.hpp"
#include "objects.hpp"
#include "turn.hpp"

namespace py = pybind11;

namespace dcp::protocol {
namespace {

constexpr long long kLastWhole = 1LL << 53;  // up to here each whole number is a double
constexpr Py_ssize_t kScanned = 8;           // kvin.js: scanArrayThreshold

// What describe.py says of a value: a pair of one of these and ...
enum class Kind {
  primitive,  // None, bool, int, float, str or an empty list, which stands for it
  formula,    // what is written of it
  object,     // the same for a value that later ones may refer to; pairs in it are Parts
  sparse,     // (elements up to the first hole, all (index or name, value) in order, length)
};
enum class Part {
  elements,      // a list, written as an array to which nothing refers
  members,       // a dict, written as the members of an object
  bare_members,  // the same, with primitive values as they are
  nested,        // a value, written with its own header and references (v8)
  later,         // a value, written when all else is (v9)
};

PyObject* get(PyObject* dict, PyObject* key) {
  PyObject* found = PyDict_GetItemWithError(dict, key);
  if (found == nullptr && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return found;
}

void put(const py::object& dict, const py::object& key, const py::object& value) {
  if (PyDict_SetItem(dict.ptr(), key.ptr(), value.ptr()) != 0) throw py::error_already_set();
}

void append(const py::object& list, const py::object& value) {
  if (PyList_Append(list.ptr(), value.ptr()) != 0) throw py::error_already_set();
}

bool is_list(PyObject* value) { return PyList_Check(value) || PyTuple_Check(value); }

/// Whether JSON.stringify writes the same for both, which kvin.js prepared.
bool same_text(PyObject* one, PyObject* other) {
  if (one == other) return true;
  if (PyUnicode_Check(one)) return PyUnicode_Check(other) && PyUnicode_Compare(one, other) == 0;
  const bool constant = one == Py_None || PyBool_Check(one);
  if (constant || other == Py_None || PyBool_Check(other)) return one == other;
  if (PyLong_Check(one) || PyFloat_Check(one))
    return (PyLong_Check(other) || PyFloat_Check(other)) && PyFloat_AsDouble(one) == PyFloat_AsDouble(other);
  if (is_list(one)) {
    if (!is_list(other) || PySequence_Fast_GET_SIZE(one) != PySequence_Fast_GET_SIZE(other)) return false;
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(one); ++index)
      if (!same_text(PySequence_Fast_GET_ITEM(one, index), PySequence_Fast_GET_ITEM(other, index))) return false;
    return true;
  }
  if (!PyDict_Check(one) || !PyDict_Check(other) || PyDict_Size(one) != PyDict_Size(other)) return false;
  const std::vector<Member> members = members_of(one);
  const std::vector<Member> others = members_of(other);
  for (std::size_t index = 0; index < members.size(); ++index)
    if (PyUnicode_Compare(members[index].key.ptr(), others[index].key.ptr()) != 0 ||
        !same_text(members[index].value.ptr(), others[index].value.ptr()))
      return false;
  return true;
}

/// The method `prepare` of kvin.js.
class Writer {
 public:
  Writer(const py::object& types, std::size_t depth, std::size_t items)
      : describe_(types.attr("describe")),
        big_int_(types.attr("big_int")),
        header_(types.attr("header")),
        depth_(depth),
        items_(items) {}

  py::object write(const py::object& value) {
    py::object prepared = form(value, false);
    while (!later_.empty()) {
      const Later next = std::move(later_.front());
      later_.pop_front();
      put(next.into, next.name, form(next.value, false));
    }
    return prepared;
  }

 private:
  struct Later {
    py::object into, name, value;
  };

  /// One level deeper.
  class Level {
   public:
    explicit Level(Writer& writer) : writer_(writer) {
      if (++writer.level_ > writer.depth_)
        throw py::value_error("the value is nested deeper than " + std::to_string(writer.depth_) + " levels");
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --writer_.level_; }

   private:
    Writer& writer_;
  };

  void count(std::size_t parts = 1) {
    turn_.one_object();
    counted_ += parts;
    if (counted_ > items_) throw py::value_error("the value has more than " + std::to_string(items_) + " parts");
  }

  bool is_big(PyObject* integer) const {
    if (!PyLong_CheckExact(integer) && PyObject_TypeCheck(integer, reinterpret_cast<PyTypeObject*>(big_int_.ptr())))
      return true;
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(integer, &overflow);
    return overflow != 0 || value > kLastWhole || value < -kLastWhole;
  }

  /// `bare`: as an element of an array, where primitive values stand as they are.
  py::object form(const py::object& value, bool bare) {
    PyObject* const raw = value.ptr();
    count();
    if (PyUnicode_Check(raw) || PyBool_Check(raw)) return bare ? value : wrap(raw_, value);
    if (raw == Py_None) return wrap(raw_, value);
    if (PyFloat_Check(raw)) return number(value, bare);
    if (PyLong_Check(raw)) return is_big(raw) ? wrap(bigint_, py::str(own(PyNumber_Long(raw)))) : value;
    if (is_list(raw) && PySequence_Fast_GET_SIZE(raw) == 0) return wrap(raw_, py::list());
    if (PyDict_Check(raw)) {
      if (const std::size_t size = plain_size(raw)) {
        count(size - 1);
        return wrap(raw_, value);
      }
    }
    return reference(value, bare);
  }

  /// What later values may refer to.
  py::object reference(const py::object& value, bool bare) {
    if (const auto found = seen_.find(value.ptr()); found != seen_.end())
      return wrap(seen_name_, py::int_(found->second));
    const Level level(*this);
    if (is_list(value.ptr())) {
      see(value);
      return array(value);
    }
    if (PyDict_Check(value.ptr())) {
      see(value);
      return object(value);
    }
    const py::tuple described = describe_(value);
    const py::object payload = described[1];
    switch (static_cast<Kind>(described[0].cast<int>())) {
      case Kind::primitive:
        return form(payload, bare);
      case Kind::formula:
        return payload;
      case Kind::object:
        see(value);
        kept_.push_back(described);
        return fill(payload);
      default:
        see(value);
        kept_.push_back(described);
        return sparse(payload);
    }
  }

  void see(const py::object& value) {
    seen_.emplace(value.ptr(), seen_.size());
    kept_.push_back(value);  // what was made on the way would end otherwise, and another take its place
  }

  static py::object wrap(const py::object& name, const py::object& value) {
    py::object formula = own(PyDict_New());
    put(formula, name, value);
    return formula;
  }

  py::object number(const py::object& value, bool bare) const {
    const double number = PyFloat_AS_DOUBLE(value.ptr());
    if (std::isnan(number)) return wrap(number_, py::str("NaN"));
    if (std::isinf(number)) return wrap(number_, py::str(number > 0 ? "Infinity" : "-Infinity"));
    if (number == 0 && std::signbit(number) && !bare) return wrap(json_, py::str("-0"));
    return value;
  }

  /// kvin.js: isPrimitiveLike. How many parts an object has of which JSON can hold all, or else 0.
  std::size_t plain_size(PyObject* dict) {
    if (const auto known = plain_.find(dict); known != plain_.end()) return known->second;
    const Level level(*this);
    if (!walked_.insert(dict).second) return 0;  // a cycle
    std::size_t size = 1;
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    for (Py_ssize_t at = 0; size > 0 && PyDict_Next(dict, &at, &key, &value) != 0;) {
      if (!PyUnicode_Check(key) || PyUnicode_Compare(key, constructor_.ptr()) == 0) {
        size = 0;
        break;
      }
      const std::size_t part = plain_part(value);
      size = part == 0 ? 0 : std::min(size + part, items_ + 1);
    }
    walked_.erase(dict);
    plain_.emplace(dict, size);
    return size;
  }

  std::size_t plain_part(PyObject* value) {
    if (PyUnicode_Check(value) || value == Py_None || PyBool_Check(value)) return 1;
    if (PyLong_Check(value)) return is_big(value) ? 0 : 1;
    if (PyFloat_Check(value)) return std::isfinite(PyFloat_AS_DOUBLE(value)) ? 1 : 0;
    if (is_list(value)) return PySequence_Fast_GET_SIZE(value) == 0 ? 1 : 0;
    return PyDict_Check(value) ? plain_size(value) : 0;
  }

  py::object object(const py::object& dict) {
    PyObject* key = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(dict.ptr(), &at, &key, nullptr) != 0;)
      if (!PyUnicode_Check(key)) return map(dict);
    py::object formula = own(PyDict_New());
    put(formula, ctr_, py::int_(0));
    put(formula, ps_, members(dict, false));
    return formula;
  }

  py::object map(const py::object& dict) {
    py::object formula = own(PyDict_New());
    put(formula, map_keys_, array(own(PyDict_Keys(dict.ptr()))));
    put(formula, map_vals_, array(own(PyDict_Values(dict.ptr()))));
    return formula;
  }

  /// Both would be taken for something else: by kvin.js when it reads, or by each object of JavaScript.
  void check_name(const py::object& name) const {
    if (PyUnicode_Compare(name.ptr(), has_own_.ptr()) == 0 || PyUnicode_Compare(name.ptr(), proto_.ptr()) == 0)
      throw py::value_error("npm's kvin cannot read an object with a member " + name.cast<std::string>() +
                            " beside values that JSON does not have");
  }

  py::object members(const py::object& dict, bool bare) {
    py::object prepared = own(PyDict_New());
    for (const Member& member : members_of(dict.ptr())) {
      check_name(member.key);
      put(prepared, member.key, form(member.value, bare));
    }
    return prepared;
  }

  /// Elements and the runs of those that are the same.
  py::object elements(const py::object& list) {
    py::object prepared = own(PyList_New(0));
    py::object last;
    Py_ssize_t run = 0;
    const auto end_run = [&] {
      if (run > 0) append(prepared, wrap(lst_, py::int_(run)));
      run = 0;
    };
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(list.ptr()); ++index) {
      py::object element = form(borrow(PySequence_Fast_GET_ITEM(list.ptr(), index)), true);
      if (last && same_text(last.ptr(), element.ptr())) {
        ++run;
        continue;
      }
      end_run();
      append(prepared, element);
      last = std::move(element);
    }
    end_run();
    return prepared;
  }

  py::object array(const py::object& list) { return wrap(arr_, elements(list)); }

  /// What describe.py said, with the parts that it left to do.
  py::object fill(const py::object& described) {
    py::object filled = own(PyDict_New());
    PyObject* key = nullptr;
    PyObject* value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(described.ptr(), &at, &key, &value) != 0;) {
      const py::object name = borrow(key);
      if (!PyTuple_Check(value)) {
        put(filled, name, borrow(value));
        continue;
      }
      const auto part = borrow(value).cast<py::tuple>();
      const py::object payload = part[1];
      switch (static_cast<Part>(part[0].cast<int>())) {
        case Part::elements:
          put(filled, name, array(payload));
          break;
        case Part::members:
          put(filled, name, members(payload, false));
          break;
        case Part::bare_members:
          put(filled, name, members(payload, true));
          break;
        case Part::nested:
          put(filled, name, nested(payload));
          break;
        case Part::later:
          put(filled, name,
              own(PyObject_CallNoArgs(reinterpret_cast<PyObject*>(&PyBaseObject_Type))));  // like no other
          later_.push_back({filled, name, payload});
          break;
      }
    }
    return filled;
  }

  py::object nested(const py::object& value) {
    std::unordered_map<PyObject*, std::size_t> outer;
    std::swap(outer, seen_);
    py::object formula = header_.attr("copy")();
    put(formula, what_, form(value, false));
    std::swap(outer, seen_);
    return formula;
  }

  /// kvin.js: prepare$Array, for an array with holes, or with properties beside its elements.
  py::object sparse(const py::object& description) {
    const auto parts = description.cast<py::tuple>();
    const py::object prefix = parts[0];
    const auto entries = parts[1].cast<py::list>();
    const auto length = parts[2].cast<std::size_t>();
    py::object formula = array(prefix);
    for (std::size_t place = 0; place < entries.size(); ++place) {
      const auto entry = entries[place].cast<py::tuple>();
      if (has_next(entries, place)) {
        place = island(formula, entries, place);
        continue;
      }
      if (get(formula.ptr(), ps_.ptr()) == nullptr) put(formula, ps_, own(PyDict_New()));
      const py::object ps = borrow(get(formula.ptr(), ps_.ptr()));
      put(ps, py::str(entry[0]), form(entry[1], true));
    }
    if (static_cast<std::size_t>(PySequence_Fast_GET_SIZE(prefix.ptr())) != length)
      put(formula, len_, py::int_(length));
    return formula;
  }

  static bool has_next(const py::list& entries, std::size_t place) {
    if (place + 1 >= entries.size()) return false;
    const py::object index = entries[place].cast<py::tuple>()[0];
    const py::object next = entries[place + 1].cast<py::tuple>()[0];
    return PyLong_Check(index.ptr()) && PyLong_Check(next.ptr()) &&
           next.cast<std::int64_t>() == index.cast<std::int64_t>() + 1;
  }

  /// Elements side by side. Returns the place of the last.
  std::size_t island(const py::object& formula, const py::list& entries, std::size_t place) {
    const std::size_t first = place;
    py::object list = own(PyList_New(0));
    for (;; ++place) {
      append(list, entries[place].cast<py::tuple>()[1]);
      if (!has_next(entries, place)) break;
    }
    py::object written = list;
    // kvin.js gives a short one to JSON.stringify as it is; what that would lose is written as in a long one.
    if (PyList_GET_SIZE(list.ptr()) >= kScanned || !is_json(list.ptr())) {
      see(list);
      written = array(list);
    } else {
      count(static_cast<std::size_t>(PyList_GET_SIZE(list.ptr())));
    }
    if (get(formula.ptr(), isl_.ptr()) == nullptr) put(formula, isl_, own(PyList_New(0)));
    py::object island = wrap(at_, entries[first].cast<py::tuple>()[0]);
    put(island, arr_, written);
    append(borrow(get(formula.ptr(), isl_.ptr())), island);
    return place;
  }

  /// Whether JSON.stringify keeps all of a list's elements.
  bool is_json(PyObject* list) {
    const Level level(*this);
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(list); ++index) {
      PyObject* element = PySequence_Fast_GET_ITEM(list, index);
      if (is_list(element) ? !is_json(element) : plain_part(element) == 0) return false;
    }
    return true;
  }

  py::object describe_, big_int_, header_;
  std::size_t depth_, items_;
  std::size_t level_ = 0, counted_ = 0;
  std::unordered_map<PyObject*, std::size_t> seen_;
  std::vector<py::object> kept_;
  std::unordered_map<PyObject*, std::size_t> plain_;
  std::unordered_set<PyObject*> walked_;
  std::deque<Later> later_;
  Turn turn_;
  const py::str raw_{"raw"}, number_{"number"}, json_{"json"}, bigint_{"bigint"}, seen_name_{"seen"}, ctr_{"ctr"},
      ps_{"ps"}, arr_{"arr"}, lst_{"lst"}, isl_{"isl"}, len_{"len"}, at_{"@"}, what_{"what"}, map_keys_{"mapKeys"},
      map_vals_{"mapVals"}, constructor_{"constructor"}, has_own_{"hasOwnProperty"}, proto_{"__proto__"};
};

}  // namespace

py::object kvin_prepare(const py::object& value, const py::object& types, std::size_t depth, std::size_t items) {
  return Writer(types, depth, items).write(value);
}

}  // namespace dcp::protocol
