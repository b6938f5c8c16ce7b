// MessagePack: what is written is read back; what is malformed is refused, whatever the bytes are.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "check.hpp"
#include "msgpack/item.hpp"
#include "msgpack/writer.hpp"

using namespace dcp::msgpack;

namespace {

Item only_item(Writer& writer) {
  Reader reader(writer.bytes());
  const Item item = reader.next();
  CHECK_EQ(reader.take(item).size(), item.has_bytes() ? item.size : 0);
  CHECK(reader.at_end());
  return item;
}

void integers_come_back() {
  for (const std::int64_t value :
       {INT64_MIN, std::int64_t{INT32_MIN} - 1, std::int64_t{INT32_MIN}, std::int64_t{-33}, std::int64_t{-32},
        std::int64_t{-1}, std::int64_t{0}, std::int64_t{127}, std::int64_t{128}, std::int64_t{INT32_MAX},
        std::int64_t{INT32_MAX} + 1, INT64_MAX}) {
    Writer writer;
    writer.integer(value);
    const Item item = only_item(writer);
    CHECK(item.type == Type::integer && item.integer == value);
  }
}

void floats_come_back() {
  for (const double value : {0.0, -0.0, 1.5, 1e308, std::numeric_limits<double>::infinity()}) {
    Writer writer;
    writer.float64(value);
    const Item item = only_item(writer);
    CHECK(item.type == Type::real && item.real == value && std::signbit(item.real) == std::signbit(value));
  }
}

void texts_and_blobs_come_back() {
  for (const std::size_t size : {0U, 1U, 31U, 32U, 255U, 256U, 70000U}) {
    const std::string text(size, 'x');
    Writer writer;
    writer.string(text);
    const Item item = only_item(writer);
    CHECK(item.type == Type::text && item.size == size);
    Writer blob;
    blob.binary(std::as_bytes(std::span(text)));
    CHECK_EQ(only_item(blob).size, size);
    Writer extension;
    extension.extension(-1, size);
    extension.raw(text.data(), size);
    const Item read = only_item(extension);
    CHECK(read.type == Type::extension && read.extension == -1 && read.size == size);
  }
}

template <typename... Bytes>
bool refused(Bytes... bytes) {
  const std::byte input[] = {static_cast<std::byte>(bytes)...};
  try {
    Reader(input).next();
    return false;
  } catch (const Malformed&) {
    return true;
  }
}

void lies_are_refused() {
  CHECK(refused(0xc1));
  CHECK(refused(0xa5, 'a', 'b'));
  CHECK(refused(0xdb, 0xff, 0xff, 0xff, 0xff));
  CHECK(refused(0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0));
  CHECK(refused(0xdf, 0x7f, 0xff, 0xff, 0xff));
  CHECK(refused(0xc9, 0x00, 0x00, 0x00, 0x10, 0x01));
  CHECK(refused(0xd3, 0x00));
}

// Reading arbitrary bytes ends, with items inside the input or with Malformed.
void any_bytes_are_survived() {
  std::mt19937 random(20261123);
  for (int round = 0; round < 200000; ++round) {
    std::vector<std::byte> input(random() % 40);
    for (std::byte& byte : input) byte = static_cast<std::byte>(random());
    Reader reader(input);
    try {
      while (!reader.at_end()) {
        const Item item = reader.next();
        const auto bytes = std::as_bytes(reader.take(item));
        if (bytes.empty()) continue;
        CHECK(bytes.data() >= input.data() && bytes.data() + bytes.size() <= input.data() + input.size());
      }
    } catch (const Malformed&) {
    }
  }
}

}  // namespace

int main() {
  integers_come_back();
  floats_come_back();
  texts_and_blobs_come_back();
  lies_are_refused();
  any_bytes_are_survived();
  return dcp::test::failures == 0 ? 0 : 1;
}
