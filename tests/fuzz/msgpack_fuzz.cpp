// MessagePack of frames: every item lies inside the input, and what was read is written and read back.
#include <cstdlib>
#include <cstring>

#include "runtime/msgpack.hpp"

using namespace dcp::runtime::msgpack;

namespace {

void write(Writer& writer, const Item& item) {
  switch (item.type) {
    case Type::nil:
      return writer.nil();
    case Type::boolean:
      return writer.boolean(item.boolean);
    case Type::integer:
      return writer.integer(item.integer);
    case Type::float64:
      return writer.float64(item.number);
    case Type::string:
      return writer.string({reinterpret_cast<const char*>(item.data.data()), item.data.size()});
    case Type::binary:
      return writer.binary(item.data);
    case Type::extension:
      writer.extension(item.extension, item.data.size());
      return writer.raw(item.data.data(), item.data.size());
    default:
      return;  // unsigned beyond 2^63, and containers, whose items follow: not written by themselves
  }
}

void check(const Item& item) {
  Writer writer;
  write(writer, item);
  if (writer.bytes().empty()) return;
  Reader reader(writer.bytes());
  const Item again = reader.next();
  const bool same = again.type == item.type && again.integer == item.integer && again.boolean == item.boolean &&
                    std::memcmp(&again.number, &item.number, sizeof item.number) == 0 &&
                    again.extension == item.extension && again.data.size() == item.data.size() &&
                    std::equal(again.data.begin(), again.data.end(), item.data.begin());
  if (!same || !reader.at_end()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader reader(std::as_bytes(std::span(data, size)));
  try {
    while (!reader.at_end()) check(reader.next());
  } catch (const Malformed&) {
  }
  return 0;
}
