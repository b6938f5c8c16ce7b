// Control messages: a request has an ID of the allowed characters, a bad one a reason.
#include <cstdlib>

#include "input.hpp"
#include "sandbox/control_socket.hpp"

using namespace dcp::sandbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  dcp::fuzz::Input input(data, size);
  dcp::ipc::Packet message;
  const std::uint8_t shape = input.byte();
  message.truncated = (shape & 8) != 0;
  for (int i = shape % 5; i > 0; --i) message.descriptors.emplace_back(-1);
  message.bytes.assign(reinterpret_cast<const char*>(data) + size - input.left(), input.left());
  const Request request = parse_request(message);
  const bool bad = request.kind == Request::Kind::bad;
  if (bad == request.reason.empty() || request.id.empty() || request.id.size() > 64) std::abort();
  if (request.id.find_first_of(" \n\0") != std::string::npos) std::abort();
  if (request.kind == Request::Kind::spawn && message.descriptors.size() != 3) std::abort();
  return 0;
}
