// MessagePack of frames: every item lies inside the input, and what was read is written and read back.
#include <algorithm>
#include <cstdlib>

#include "msgpack/item.hpp"
#include "msgpack/writer.hpp"

using namespace dcp::msgpack;

namespace {

void write(Writer& writer, const Item& item, Bytes data) {
  switch (item.type) {
    case Type::nil:
      return writer.nil();
    case Type::boolean:
      return writer.boolean(item.integer != 0);
    case Type::integer:
      return writer.integer(item.integer);
    case Type::real:
      return writer.float64(item.real);
    case Type::text:
      return writer.string({reinterpret_cast<const char*>(data.data()), data.size()});
    case Type::binary:
      return writer.binary(std::as_bytes(data));
    case Type::extension:
      writer.extension(item.extension, data.size());
      return writer.raw(data.data(), data.size());
    default:
      return;  // unsigned beyond 2^63, and containers, whose items follow: not written by themselves
  }
}

void check(const Item& item, Bytes data) {
  Writer writer;
  write(writer, item, data);
  if (writer.bytes().empty()) return;
  Reader reader(writer.bytes());
  const Item again = reader.next();
  const bool same = again.type == item.type && again.integer == item.integer && again.extension == item.extension &&
                    again.size == item.size && std::ranges::equal(reader.take(again), data);
  if (!same || !reader.at_end()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Reader reader(Bytes(bytes, size));
  try {
    while (!reader.at_end()) {
      const Item item = reader.next();
      check(item, reader.take(item));
    }
  } catch (const Malformed&) {
  }
  return 0;
}
