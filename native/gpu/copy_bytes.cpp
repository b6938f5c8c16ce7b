#include "gpu/copy_bytes.hpp"

#include <cstring>
#include <system_error>
#include <thread>

namespace dcp::gpu {
namespace {

constexpr std::size_t kWorthAThread = 8u << 20;

}  // namespace

void copy_bytes(std::byte* to, const std::byte* from, std::size_t size) {
  const std::size_t here = size < kWorthAThread ? size : size / 2;
  std::thread other;
  if (here < size) {
    try {
      other = std::thread([=] { std::memcpy(to + here, from + here, size - here); });
    } catch (const std::system_error&) {  // no more threads
      std::memcpy(to + here, from + here, size - here);
    }
  }
  std::memcpy(to, from, here);
  if (other.joinable()) other.join();
}

}  // namespace dcp::gpu
