// Methods that record their calls as words, for an interpreter: beyond engine.hpp, and null where JavaScript is
// compiled.
#pragma once

#include <cstdint>

#include "engine/engine.hpp"

namespace dcp::engine {

/// Where calls are recorded. `cursor` is JavaScript's too, as a Uint32Array.
struct WordRing {
  std::uint32_t* words = nullptr;  ///< null: nothing is recorded
  std::uint32_t size = 0;          ///< a power of two
  /// The position where the next record starts, the one behind the last word that may be written, and the last id that
  /// was given to an object. Positions count words, modulo 2^32.
  std::uint32_t cursor[3] = {};
};

class RecorderSupport {
 public:
  /// A function in front of `method`, of its name and length. It has the same effect without JavaScript where nobody
  /// can see the difference: this and all arguments are what the plan says, no conversion would run code or fail, and
  /// the record fits. In all other cases it has no effect and calls `method`.
  ///
  /// `plan`, an object: `example`, an object of the class of `this` whose state is null; `header`, the type of the
  /// record in its upper 12 bits; `open`, whether the state has to be open; `fields`, for each argument what it has to
  /// be; `made`, where the call makes an object: made(device, id, ...kept) returns it. A field is an object: `kind`,
  /// and what else recorders.h says. A state is what objects of these classes have in a private field: an object with
  /// `id` and `device`.
  virtual Value recorder(Value method, Value plan, WordRing& ring) = 0;

 protected:
  ~RecorderSupport() = default;
};

}  // namespace dcp::engine
