// Mutates command streams as messages, not as bytes: libFuzzer's own mutations seldom leave one that is decoded.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "gpu/wire.hpp"
#include "webgpu_decoder.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using namespace dcp::gpu;
using Words = std::vector<std::uint32_t>;
using Stream = std::vector<Words>;
using Random = std::minstd_rand;

Stream parse(const std::uint8_t* data, std::size_t size) {
  Words words(size / 4);
  if (!words.empty()) std::memcpy(words.data(), data, words.size() * 4);
  Stream stream;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t claimed = std::max<std::size_t>(message_words(words[at]), 1);
    const std::size_t end = std::min(at + claimed, words.size());
    stream.emplace_back(words.begin() + static_cast<std::ptrdiff_t>(at),
                        words.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
  }
  return stream;
}

std::size_t write(const Stream& stream, std::uint8_t* data, std::size_t max_size) {
  std::size_t size = 0;
  for (const Words& message : stream) {
    const std::size_t bytes = message.size() * 4;
    if (bytes > max_size - size) break;
    std::memcpy(data + size, message.data(), bytes);
    size += bytes;
  }
  return size;
}

std::uint32_t any_word(const Stream& stream, Random& random) {
  switch (random() % 8) {
    case 0:
      return random() % 4;
    case 1:
      return random() % 128;
    case 2:
      return 0xFFFFFFFF - random() % 4;
    case 3:
      return kStringInHeap | random() % 64;
    case 4:
      return 1u << random() % 32;
    case 5:
      return random();
    default: {  // most likely an id: of any kind, alive or not
      const Words& message = stream[random() % stream.size()];
      return message[std::min<std::size_t>(1 + random() % 2, message.size() - 1)];
    }
  }
}

void fix_header(Words& message) {
  message[0] = message_header(message_type(message[0]), static_cast<std::uint32_t>(message.size()));
}

void mutate_message(Words& message, const Stream& stream, Random& random) {
  const std::size_t at = message.size() == 1 ? 0 : 1 + random() % (message.size() - 1);
  switch (random() % 12) {
    case 0:  // another command with the same words, or none
      message[0] = message_header(random() % (kOpcodeCount + 2), static_cast<std::uint32_t>(message.size()));
      return;
    case 1:
      message.insert(message.begin() + static_cast<std::ptrdiff_t>(at), any_word(stream, random));
      return fix_header(message);
    case 2:
      if (message.size() < 2) return;
      message.erase(message.begin() + static_cast<std::ptrdiff_t>(at));
      return fix_header(message);
    case 3:  // a length that lies
      message[0] = message_header(message_type(message[0]), message_words(any_word(stream, random)));
      return;
    case 4:
      message[at] ^= 1u << random() % 32;
      return;
    case 5:
      message[at] += random() % 3 - 1;
      return;
    default:
      if (at != 0) message[at] = any_word(stream, random);
  }
}

/// A command that has the size which its decoder expects, where that is known.
Words new_message(const Stream& stream, Random& random) {
  const std::uint32_t opcode = 1 + random() % (kOpcodeCount - 1);
  const std::uint32_t known = kOpcodeWords[opcode];
  Words message(known != 0 ? known : 1 + random() % 16);
  message[0] = message_header(opcode, static_cast<std::uint32_t>(message.size()));
  for (std::size_t i = 1; i < message.size(); ++i) message[i] = any_word(stream, random);
  return message;
}

void mutate(Stream& stream, Random& random) {
  const std::size_t at = random() % stream.size();
  const std::size_t other = random() % stream.size();
  const auto place = [&](std::size_t index) { return stream.begin() + static_cast<std::ptrdiff_t>(index); };
  switch (random() % 8) {
    case 0:
      stream.erase(place(at));
      return;
    case 1: {
      const Words copy = stream[other];
      stream.insert(place(at), copy);
      return;
    }
    case 2:
      std::swap(stream[at], stream[other]);
      return;
    case 3: {
      Words made = new_message(stream, random);
      stream.insert(place(at), std::move(made));
      return;
    }
    default:
      mutate_message(stream[at], stream, random);
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  Random random(seed);
  if (random() % 16 == 0) return LLVMFuzzerMutate(data, size, max_size);
  Stream stream = parse(data, size);
  for (unsigned left = 1 + random() % 4; left > 0 && !stream.empty(); --left) mutate(stream, random);
  return write(stream, data, max_size);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data, std::size_t size, const std::uint8_t* data2,
                                                 std::size_t size2, std::uint8_t* out, std::size_t max_size,
                                                 unsigned seed) {
  Random random(seed);
  Stream first = parse(data, size);
  const Stream second = parse(data2, size2);
  if (!first.empty()) first.resize(1 + random() % first.size());
  if (!second.empty()) {
    const auto from = second.begin() + static_cast<std::ptrdiff_t>(random() % second.size());
    first.insert(first.end(), from, second.end());
  }
  return write(first, out, max_size);
}
