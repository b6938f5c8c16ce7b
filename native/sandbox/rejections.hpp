// Promise rejections that nobody handles.
#pragma once

#include <list>
#include <unordered_map>

#include "engine/engine.hpp"
#include "sandbox/session.hpp"

namespace dcp::sandbox {

/// Rejections without a handler when the microtasks have run are reported; a late handler is not taken back.
class Rejections {
 public:
  explicit Rejections(engine::Engine& engine);

  /// Tells the session of those that are left, in the order in which they came.
  void report(Session& session);

 private:
  struct Rejection {
    engine::Ref promise, reason;
    std::int64_t async_context;
  };
  using Pending = std::list<Rejection>;

  void add(engine::Value promise, engine::Value reason);
  void remove(engine::Value promise);

  engine::Engine& engine_;
  Pending pending_;
  /// By the promise's identity: a program may handle thousands of rejections late.
  std::unordered_multimap<std::uintptr_t, Pending::iterator> by_promise_;
};

}  // namespace dcp::sandbox
