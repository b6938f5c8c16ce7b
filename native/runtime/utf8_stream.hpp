// Code units into UTF-8, on their way out: a long string is not held a second time as bytes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "engine/engine.hpp"

namespace dcp::runtime {

/// Takes a string's stretches in order. A lone surrogate becomes U+FFFD; a pair may be cut.
class Utf8Stream {
 public:
  /// Called with bytes; false: no more are wanted.
  using Sink = std::function<bool(std::string_view)>;
  explicit Utf8Stream(Sink sink) : sink_(std::move(sink)) {}

  /// False when the sink wants no more, here and below.
  bool add(engine::StringUnits units);
  bool add(std::string_view utf8);
  /// Gives the sink what is left.
  bool finish();

 private:
  bool add_narrow(const unsigned char* units, std::size_t count);
  bool add_wide(const char16_t* units, std::size_t count);
  bool put(char32_t code_point);
  bool put_pending();
  bool flush();

  static constexpr std::size_t kChunk = 64 * 1024;
  Sink sink_;
  std::unique_ptr<char[]> chunk_ = std::make_unique_for_overwrite<char[]>(kChunk);
  std::size_t filled_ = 0;
  char16_t pending_ = 0;  ///< a high surrogate that waits for its other half
};

}  // namespace dcp::runtime
