#include "sandbox/rejections.hpp"

#include <algorithm>
#include <utility>

namespace dcp::sandbox {

Rejections::Rejections(engine::Engine& engine) : engine_(engine) {
  engine.on_rejection([this](engine::Value promise, engine::Value reason, bool handled) {
    handled ? remove(promise) : add(promise, reason);
  });
}

void Rejections::add(engine::Value promise, engine::Value reason) {
  pending_.push_back({engine::Ref(engine_, promise), engine::Ref(engine_, reason), engine_.async_context()});
  by_promise_.emplace(engine_.identity(promise), std::prev(pending_.end()));
}

void Rejections::remove(engine::Value promise) {
  const engine::Scope scope(engine_);
  const auto [first, last] = by_promise_.equal_range(engine_.identity(promise));
  const auto found =
      std::find_if(first, last, [&](const auto& entry) { return engine_.same(entry.second->promise.get(), promise); });
  if (found == last) return;  // it has been reported
  pending_.erase(found->second);
  by_promise_.erase(found);
}

void Rejections::report(Session& session) {
  by_promise_.clear();
  const Pending rejections = std::exchange(pending_, {});
  for (const Rejection& rejection : rejections) {
    const engine::Scope scope(engine_);
    engine_.set_async_context(rejection.async_context);
    session.unhandled_rejection(rejection.reason.get());
  }
  if (!rejections.empty()) engine_.set_async_context(0);
}

}  // namespace dcp::sandbox
