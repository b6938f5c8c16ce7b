#include "gpu/copy_bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <thread>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace dcp::gpu {
namespace {

constexpr std::size_t kWorthAThread = 8u << 20;

#ifdef __SSE2__

constexpr std::size_t kLine = 64, kPage = 4096, kPages = 4;
constexpr std::size_t kAhead = 8 * kLine;

void stream_line(std::byte* to, const std::byte* from) {
  const auto* source = reinterpret_cast<const __m128i*>(from);
  auto* target = reinterpret_cast<__m128i*>(to);
  const __m128i parts[] = {_mm_loadu_si128(source), _mm_loadu_si128(source + 1), _mm_loadu_si128(source + 2),
                           _mm_loadu_si128(source + 3)};
  for (int i = 0; i < 4; ++i) _mm_stream_si128(target + i, parts[i]);
}

/// memcpy that writes past the caches, which are smaller: what it reads stays there, and no line is fetched to be
/// overwritten. Four pages at a time, because the processor reads ahead within a page only.
void copy_many(std::byte* to, const std::byte* from, std::size_t size) {
  const std::size_t unaligned = -reinterpret_cast<std::uintptr_t>(to) % kLine;
  std::memcpy(to, from, unaligned);
  std::size_t at = unaligned;
  for (; at + kPages * kPage <= size; at += kPages * kPage) {
    for (std::size_t line = at; line < at + kPage; line += kLine) {
      for (std::size_t page = 0; page < kPages * kPage; page += kPage) {
        _mm_prefetch(reinterpret_cast<const char*>(from + std::min(line + page + kAhead, size - 1)), _MM_HINT_T0);
        stream_line(to + line + page, from + line + page);
      }
    }
  }
  _mm_sfence();
  std::memcpy(to + at, from + at, size - at);
}

#else

void copy_many(std::byte* to, const std::byte* from, std::size_t size) { std::memcpy(to, from, size); }

#endif

}  // namespace

void copy_bytes(std::byte* to, const std::byte* from, std::size_t size) {
  if (size < kWorthAThread) {
    if (size > 0) std::memcpy(to, from, size);
    return;
  }
  const std::size_t here = size / 2;
  std::thread other;
  try {
    other = std::thread([=] { copy_many(to + here, from + here, size - here); });
  } catch (const std::system_error&) {  // no more threads
    copy_many(to + here, from + here, size - here);
  }
  copy_many(to, from, here);
  if (other.joinable()) other.join();
}

}  // namespace dcp::gpu
