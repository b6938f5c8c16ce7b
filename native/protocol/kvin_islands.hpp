// What kvin.js writes of a typed array that has a run of zeros: the parts between such runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dcp::protocol {

/// A part of the bytes that ends with none of zero.
struct Island {
  std::size_t start;
  std::size_t size;

  bool operator==(const Island&) const = default;
};

/// Whether eight zeros lie side by side: fewer are written as they are.
bool has_zero_run(std::span<const std::uint8_t> bytes);

/// The matches of kvin.js's expression `([^\0]+(.{0,3}([^\0]|$)){0,5000})+`, without the zeros at their ends. A dot
/// takes no line feed and no carriage return, which is why those are told from other bytes.
std::vector<Island> find_islands(std::span<const std::uint8_t> bytes);

}  // namespace dcp::protocol
