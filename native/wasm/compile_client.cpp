#include "wasm/compile_client.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include "ipc/memfd.hpp"
#include "wasm/module_open.hpp"

namespace dcp::wasm {

CompileClient::CompileClient(wasm_engine_t* engine, std::uint64_t settings, Connect connect)
    : engine_(engine), settings_(settings), connect_(std::move(connect)) {}

CompileClient::Module CompileClient::compile(std::span<const std::byte> wasm) {
  try {
    if (auto known = look_up(wasm)) return std::move(*known);
    const ipc::Descriptor file = ipc::sealed_copy(wasm);
    const int fd = file.get();
    const ipc::Packet answer = ask(std::string_view("C"), std::span(&fd, 1));
    if (answer.bytes == "M" && answer.descriptors.size() == 1) {
      if (auto module = take(answer.descriptors[0].get(), wasm)) return std::move(*module);
      throw CompileFailure("the compiler's answer is not the module's code");
    }
    if (answer.truncated)
      throw CompileFailure("this sandbox has too many modules; keep a compiled module and use it again");
    throw CompileFailure(answer.bytes.size() > 1 ? answer.bytes.substr(1) : "the compiler gave no answer");
  } catch (const std::system_error& error) {
    throw CompileFailure(std::string("the module cannot be handed to the compiler: ") + error.what());
  }
}

std::optional<CompileClient::Module> CompileClient::look_up(std::span<const std::byte> wasm) {
  compiler::Lookup lookup{{settings_, cache::content_key(wasm)}, 0};
  for (;; ++lookup.attempt) {
    std::string request(1, compiler::kLookup);
    request.append(reinterpret_cast<const char*>(&lookup), sizeof lookup);
    const ipc::Packet answer = ask(request);
    if (answer.bytes != "M" || answer.descriptors.size() != 1) return std::nullopt;
    if (auto module = take(answer.descriptors[0].get(), wasm)) return module;
  }
}

// Nothing where the file is another module's, or wasmtime does not take its code.
std::optional<CompileClient::Module> CompileClient::take(int file, std::span<const std::byte> wasm) {
  const auto layout = compiler::read_layout(file);
  if (!layout || layout->wasm_size != wasm.size()) return std::nullopt;
  ipc::Mapping stored(file, layout->wasm_offset, wasm.size());
  if (std::memcmp(stored.bytes().data(), wasm.data(), wasm.size()) != 0) return std::nullopt;
  wasmtime::Owned<wasmtime_module_t> module = open_module(engine_, file);
  if (!module) return std::nullopt;
  return Module{std::move(module), std::move(stored)};
}

// A compiler that has ended is replaced by the evaluator: asked again, it gives another. The first one that it gives
// may be a connection that was made ahead, to a compiler that has ended meanwhile.
ipc::Packet CompileClient::ask(std::string_view request, std::span<const int> descriptors) {
  std::string reason = "the compiler ended";
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (!socket_) socket_ = ipc::Descriptor(connect_(reason));
    if (!socket_) break;
    ipc::Packet answer;
    const bool sent = ipc::send_packet(socket_.get(), request, descriptors);
    if (!sent && errno == ETOOMANYREFS) {
      throw CompileFailure(
          "the module cannot be handed to the compiler: too many open files of this user are on their way between "
          "programs that do not take them");
    }
    if (sent && ipc::receive_packet(socket_.get(), answer, compiler::kLongestMessage) == ipc::Received::packet) {
      return answer;
    }
    socket_ = ipc::Descriptor();
  }
  throw CompileFailure(reason);
}

}  // namespace dcp::wasm
