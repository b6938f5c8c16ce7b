#include "kvin_islands.hpp"

#include <algorithm>
#include <cstring>

namespace dcp::protocol {
namespace {

constexpr std::size_t kRun = 8;
constexpr std::size_t kMostSteps = 5000;

/// Follows the expression from byte to byte.
class Matcher {
 public:
  explicit Matcher(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  /// The end of the match that begins at `position`, where no zero is.
  std::size_t match(std::size_t position) const {
    while (position < bytes_.size() && bytes_[position] != 0) {
      position = skip_other_than_zero(position);
      for (std::size_t steps = 0; steps < kMostSteps; ++steps) {
        const std::size_t size = step(position);
        if (size == 0) break;
        position += size;
      }
    }
    return position;
  }

 private:
  std::size_t skip_other_than_zero(std::size_t position) const {
    const void* zero = std::memchr(bytes_.data() + position, 0, bytes_.size() - position);
    return zero == nullptr ? bytes_.size()
                           : static_cast<std::size_t>(static_cast<const std::uint8_t*>(zero) - bytes_.data());
  }

  /// How much `.{0,3}([^\0]|$)` takes, as much as it can; 0 for nothing.
  std::size_t step(std::size_t position) const {
    const std::size_t left = bytes_.size() - position;
    std::size_t dots = 0;
    while (dots < 3 && dots < left && bytes_[position + dots] != '\n' && bytes_[position + dots] != '\r') ++dots;
    for (;; --dots) {
      if (dots == left) return dots;
      if (bytes_[position + dots] != 0) return dots + 1;
      if (dots == 0) return 0;
    }
  }

  std::span<const std::uint8_t> bytes_;
};

}  // namespace

bool has_zero_run(std::span<const std::uint8_t> bytes) {
  // A run takes in one place of each eight: only around zeros there is a closer look.
  for (std::size_t place = kRun - 1; place < bytes.size(); place += kRun) {
    if (bytes[place] != 0) continue;
    std::size_t first = place;
    while (first > 0 && place - first < kRun && bytes[first - 1] == 0) --first;
    std::size_t end = place + 1;
    while (end < bytes.size() && end - first < kRun && bytes[end] == 0) ++end;
    if (end - first >= kRun) return true;
  }
  return false;
}

std::vector<Island> find_islands(std::span<const std::uint8_t> bytes) {
  const Matcher matcher(bytes);
  std::vector<Island> islands;
  std::size_t position = 0;
  while (true) {
    const auto next = std::find_if(bytes.begin() + static_cast<std::ptrdiff_t>(position), bytes.end(),
                                   [](std::uint8_t byte) { return byte != 0; });
    if (next == bytes.end()) return islands;
    const auto start = static_cast<std::size_t>(next - bytes.begin());
    position = matcher.match(start);
    std::size_t end = position;
    while (end > start && bytes[end - 1] == 0) --end;
    islands.push_back({start, end - start});
  }
}

}  // namespace dcp::protocol
