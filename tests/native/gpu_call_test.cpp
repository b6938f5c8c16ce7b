// What the GPU host reads from its shared memory: any words give values or a Violation, never anything else.
#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "check.hpp"
#include "gpu/call.hpp"
#include "gpu/region.hpp"
#include "gpu/server.hpp"
#include "gpu/violation.hpp"

using namespace dcp::gpu;

namespace {

template <typename Run>
bool violates(Run run) {
  try {
    run();
  } catch (const Violation& violation) {
    return std::strlen(violation.what()) > 0;
  }
  return false;
}

// A server without an adapter and without wgpu-native's functions.
struct Host {
  Functions functions = {};
  Region region{kSmallestHeap};
  Server server{functions, {}, region};
};

std::vector<std::uint32_t> command(std::uint32_t opcode, std::vector<std::uint32_t> payload) {
  payload.insert(payload.begin(), message_header(opcode, static_cast<std::uint32_t>(payload.size() + 1)));
  return payload;
}

void words_are_read_in_order(Host& host) {
  const auto words = command(1, {7, 0xFFFFFFFF, 5, 6, 0x3F800000, 0, 0x3FF00000, 1, 65535, 2, 1, 2});
  Call call(host.server, words);
  CHECK(call.peek() == 7 && call.u32() == 7);
  CHECK_EQ(call.i32(), -1);
  CHECK_EQ(call.u64(), (std::uint64_t{6} << 32 | 5));
  CHECK(call.f32() == 1.0f && call.f64() == 1.0);
  CHECK(call.boolean());
  CHECK_EQ(call.u16(), 65535);
  CHECK_EQ(call.count(), 2);
  call.skip(2);
  CHECK(violates([&] { call.u32(); }));
  CHECK_EQ(call.peek(), 0);
}

void wrong_words_are_violations(Host& host) {
  const auto read = [&](std::vector<std::uint32_t> payload, auto reader) {
    const auto words = command(1, std::move(payload));
    return violates([&] {
      Call call(host.server, words);
      reader(call);
    });
  };
  CHECK(read({}, [](Call& call) { call.u32(); }));
  CHECK(read({1}, [](Call& call) { call.u64(); }));
  CHECK(read({2}, [](Call& call) { call.boolean(); }));
  CHECK(read({65536}, [](Call& call) { call.u16(); }));
  CHECK(read({2, 0}, [](Call& call) { call.count(); }));
  CHECK(read({0xFFFFFFFF}, [](Call& call) { call.count(); }));
  CHECK(read({1}, [](Call& call) { call.skip(2); }));
  CHECK(read({5}, [](Call& call) { call.object(Kind::buffer); }));
  CHECK(read({0}, [](Call& call) { call.self(Kind::device); }));
  CHECK(read({0}, [](Call& call) { call.result(Kind::buffer); }));
  CHECK(read({5}, [](Call& call) { call.object_or_null(Kind::buffer); }));
  CHECK(read({1}, [](Call& call) { call.finish(); }));
  CHECK(read({0}, [](Call& call) { call.heap(kHeapSize, 1); }));
  CHECK(read({0}, [](Call& call) { call.heap(UINT64_MAX, 1); }));
  CHECK(read({0}, [](Call& call) { call.heap(1, UINT64_MAX); }));
  CHECK(read({9, 0x61616161}, [](Call& call) { call.string(); }));
  CHECK(read({5, 0x61616161}, [](Call& call) { call.bytes(); }));
  CHECK(read({0xFFFFFFFF, 0}, [](Call& call) { call.bytes(); }));
  CHECK(read({2, 1}, [](Call& call) { call.words(); }));
  CHECK(read({5}, [](Call& call) { call.id(Kind::buffer); }));
  for (const std::uint32_t value : {0u, 3u, 4u, 0x80000000u}) {
    CHECK(read({value}, [](Call& call) { call.flag(3); }));
  }
  CHECK(read({0}, [](Call& call) { call.kind(); }));
  CHECK(read({kKindCount}, [](Call& call) { call.kind(); }));
  CHECK(read({0, 1}, [](Call& call) { call.limits(); }));  // the first limit has 32 bits
  CHECK(read({0x7FFFFFFF}, [](Call& call) { call.string(); }));
  CHECK(read({1, 0xFF}, [](Call& call) { call.string(); }));
  CHECK(read({0xFFFFFFFF, 0}, [](Call& call) { call.string(); }));
  CHECK(read({kStringInHeap | 8, static_cast<std::uint32_t>(kHeapSize) - 4}, [](Call& call) { call.string(); }));
  CHECK(!read({0}, [](Call& call) { call.object_or_null(Kind::buffer); }));
}

void bytes_flags_and_kinds_are_read(Host& host) {
  const auto words = command(1, {2, 8, 9, 5, 0x04030201, 5, 2, static_cast<std::uint32_t>(Kind::sampler)});
  Call call(host.server, words);
  const std::span<const std::uint32_t> numbers = call.words();
  CHECK(numbers.size() == 2 && numbers[0] == 8 && numbers[1] == 9);
  const std::span<const std::byte> bytes = call.bytes();
  CHECK(bytes.size() == 5 && bytes[0] == std::byte{1} && bytes[4] == std::byte{5});
  CHECK_EQ(call.flag(3), 2);
  CHECK_EQ(call.kind(), Kind::sampler);
  call.finish();
}

/// The words of a limit that the IDL has and webgpu.h has not: they count for the one that stands for it.
void limits_that_share_a_field_give_the_largest(Host& host) {
  std::vector<std::uint32_t> payload;
  for (const char* name : kLimitNames) {
    payload.push_back(std::strcmp(name, "maxStorageBuffersInVertexStage") == 0 ? 9 : 1);
    payload.push_back(0);
  }
  const auto words = command(1, std::move(payload));
  Call call(host.server, words);
  const WGPULimits limits = call.limits();
  CHECK(limits.maxStorageBuffersPerShaderStage == 9 && limits.maxBindGroups == 1);
  call.finish();
}

// What the client's generated reader expects, word by word.
void replies_have_their_layout(Host& host) {
  const std::uint32_t* ring = host.region.replies();
  host.server.replies().send(reply::Mapped{7, true, "abc"});
  CHECK_EQ(ring[0], message_header(static_cast<std::uint32_t>(ReplyType::mapped), 5));
  CHECK(ring[1] == 7 && ring[2] == 1 && ring[3] == 3 && ring[4] == 0x636261);
  host.server.replies().send(reply::ErrorScope{8, ScopeStatus::caught, WGPUErrorFilter_Internal, ""});
  CHECK(message_words(ring[5]) == 5 && ring[6] == 8 && ring[7] == 1 && ring[8] == 2 && ring[9] == 0);
  host.server.replies().send(reply::CompilationInfo{9, {{"", 1, 2, 3, 4}}});
  CHECK(message_words(ring[10]) == 12 && ring[12] == 1 && ring[13] == 0 && ring[14] == 1 && ring[20] == 4);
  host.region.header().replies.read.store(host.region.header().replies.write.load());
}

void strings_are_copied(Host& host) {
  std::memcpy(host.region.heap() + 100, "gr\xC3\xBC\xC3\x9F", 6);
  const auto words = command(1, {5, 0x6C6C6568, 0x6F, 0, kStringInHeap | 6, 100});
  Call call(host.server, words);
  const WGPUStringView inline_text = call.string();
  CHECK_EQ(std::string_view(inline_text.data, inline_text.length), "hello");
  CHECK_EQ(call.string().length, 0);
  const WGPUStringView heap_text = call.string();
  std::memset(host.region.heap() + 100, 'x', 6);
  CHECK_EQ(std::string_view(heap_text.data, heap_text.length), "gr\xC3\xBC\xC3\x9F");
}

// A command may name the same heap range again and again, but not have it copied for ever.
void strings_of_one_command_are_bounded_together(Host& host) {
  constexpr std::uint32_t kLength = kSmallestHeap / 4;
  std::vector<std::uint32_t> payload(10);
  for (std::size_t i = 0; i < payload.size(); i += 2) payload[i] = kStringInHeap | kLength;
  const auto words = command(1, std::move(payload));
  Call call(host.server, words);
  for (int i = 0; i < 4; ++i) CHECK_EQ(call.string().length, kLength);
  CHECK(violates([&] { call.string(); }));
}

std::uint32_t any_word(std::mt19937& random) {
  switch (random() % 8) {
    case 0:
      return random() & 0xFFFF;
    case 1:
      return kStringInHeap | random() % 64;
    case 2:
      return 0xFFFFFFFF - random() % 4;
    default:
      return random() % 4;
  }
}

/// The error and the line of the log that a panic of the compiler costs; `code` is that of a module which the call
/// uses.
DeviceError panic_of(Opcode opcode, Kind result, const char* code, std::string& line) {
  Functions functions = {};
  Region region;
  Server server(functions, {}, region, {}, [](const char*) {}, [&line](const std::string& text) { line = text; });
  auto device = std::make_shared<Device>(1, functions, server.replies());
  auto shader = std::make_shared<ShaderModule>();
  shader->code = code;
  server.add(1, {Kind::device, nullptr, true, device, nullptr, nullptr, {}});
  server.add(2, {Kind::shader_module, nullptr, true, device, shader, nullptr, {}});
  const auto words = command(static_cast<std::uint32_t>(opcode), {1, 9, 2});
  Call call(server, words);
  call.self(Kind::device);
  call.result(result);
  call.object(Kind::shader_module);
  call.finish();
  device->begin_capture();
  call.compiler_panicked("why\x1b[2J\n (a.rs:1:2)");
  return device->end_capture().value_or(DeviceError{WGPUErrorType_NoError, {}});
}

void a_panic_of_the_compiler_is_an_error_and_a_line() {
  const std::string abc = "sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  std::string line;
  DeviceError error = panic_of(Opcode::GPUDevice_createComputePipeline, Kind::compute_pipeline, "abc", line);
  CHECK_EQ(error.type, WGPUErrorType_Internal);
  CHECK_EQ(error.message, "GPUDevice.createComputePipeline: the shader compiler has failed: why\x1b[2J\n (a.rs:1:2)");
  CHECK_EQ(line, "GPUDevice.createComputePipeline: panic in wgpu-native: why?[2J? (a.rs:1:2); shader " + abc);
  error = panic_of(Opcode::createRenderPipelineAsync, Kind::render_pipeline, "fn f(p: ptr<function, u32>) {}", line);
  CHECK_EQ(error.type, WGPUErrorType_Validation);
  CHECK(error.message.ends_with("; it does not support unrestricted_pointer_parameters"));
  error = panic_of(Opcode::createShaderModule, Kind::shader_module, "ptr", line);
  CHECK_EQ(error.type, WGPUErrorType_Validation);
  CHECK(error.message.ends_with("(a.rs:1:2)"));
}

void the_log_has_an_end() {
  Functions functions = {};
  Region region;
  std::vector<std::string> lines;
  Server server(
      functions, {}, region, {}, [](const char*) {}, [&lines](const std::string& text) { lines.push_back(text); });
  for (int i = 0; i < 1000; ++i) server.log(std::string(1 << 20, 'x'));
  CHECK_EQ(lines.size(), 16);
  for (const std::string& line : lines) CHECK(line.size() < 5000);
  CHECK(lines.back().ends_with("(the last that is told)"));
}

// Without objects no command gets as far as wgpu-native, whose functions are all null here.
void random_commands_do_no_harm() {
  Host host;
  std::mt19937 random(17);
  for (int round = 0; round < 100'000; ++round) {
    std::vector<std::uint32_t> payload(random() % 24);
    for (std::uint32_t& word : payload) word = any_word(random);
    const auto words = command(1 + random() % (kOpcodeCount + 4), std::move(payload));
    try {
      host.server.execute(words);
    } catch (const Violation&) {
    }
  }
  CHECK(host.server.objects().size() < 1000);
}

// The sandbox can write anything into the ring and its positions, at any time.
void the_ring_is_checked() {
  std::mt19937 random(23);
  for (int round = 0; round < 60; ++round) {
    Region region;
    CommandReader reader(region);
    for (int i = 0; i < 2000; ++i)
      region.commands()[i] = random() % 8 == 0 ? random() : message_header(1, random() % 9);
    region.header().commands.write = random() % 4 == 0 ? random() : random() % 2000;
    std::vector<std::uint32_t> found;
    std::size_t words = 0;
    try {
      while (reader.next(found)) {
        CHECK(!found.empty() && found.size() == message_words(found[0]) && message_type(found[0]) != 0);
        words += found.size();
      }
    } catch (const Violation&) {
    }
    CHECK(words <= kCommandWords);
    reader.release();
  }
}

// A thread that writes into the ring all the while: a command is what was copied, whole and within the ring.
void the_ring_can_change_while_it_is_read() {
  Region region;
  for (std::uint32_t i = 0; i < 4096; ++i) region.commands()[i] = message_header(1, 1 + i % 60);
  region.header().commands.write = 4096;
  std::atomic<bool> done = false;
  std::thread scribbler([&] {
    std::minstd_rand random(5);
    while (!done) {
      const std::uint32_t index = random() % 4096;
      const std::uint32_t word =
          random() % 16 == 0 ? static_cast<std::uint32_t>(random()) : message_header(1, 1 + random() % 60);
      reinterpret_cast<std::atomic<std::uint32_t>*>(region.commands())[index] = word;
      if (random() % 64 == 0) region.header().commands.write.store(random() % 8192);
    }
  });
  std::size_t read = 0;
  for (int round = 0; round < 20'000; ++round) {
    CommandReader reader(region);
    std::vector<std::uint32_t> found;
    try {
      for (int i = 0; i < 64 && reader.next(found); ++i) {
        CHECK(found.size() == message_words(found[0]) && found.size() <= kCommandWords);
        ++read;
      }
    } catch (const Violation&) {
    }
  }
  done = true;
  scribbler.join();
  CHECK(read > 0);
}

void commands_come_in_order_around_the_ring() {
  Region region;
  CommandReader reader(region);
  std::vector<std::uint32_t> found;
  std::uint32_t position = 0;
  for (std::uint32_t number = 0; number < 3000; ++number) {
    const std::uint32_t words = 2 + number % 500;
    const std::uint32_t left = kCommandWords - position % kCommandWords;
    if (left < words) {
      region.commands()[position % kCommandWords] = message_header(0, left);
      position += left;
    }
    region.commands()[position % kCommandWords] = message_header(1, words);
    region.commands()[position % kCommandWords + 1] = number;
    position += words;
    region.header().commands.write = position;
    CHECK(reader.next(found) && found.size() == words && found[1] == number);
    CHECK(!reader.next(found));
    reader.release();
    CHECK_EQ(region.header().commands.read, position);
  }
  CHECK(position > kCommandWords);
}

void utf8() {
  for (const char* text : {"", "ascii", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"}) {
    CHECK(is_utf8(text));
  }
  for (const char* text : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                           "\xF8\x88\x80\x80\x80", "\xE2\x82", "a\xFF"}) {
    CHECK(!is_utf8(text));
  }
}

}  // namespace

int main() {
  Host host;
  words_are_read_in_order(host);
  wrong_words_are_violations(host);
  bytes_flags_and_kinds_are_read(host);
  limits_that_share_a_field_give_the_largest(host);
  replies_have_their_layout(host);
  strings_are_copied(host);
  strings_of_one_command_are_bounded_together(host);
  a_panic_of_the_compiler_is_an_error_and_a_line();
  the_log_has_an_end();
  random_commands_do_no_harm();
  the_ring_is_checked();
  the_ring_can_change_while_it_is_read();
  commands_come_in_order_around_the_ring();
  utf8();
  return dcp::test::failures != 0;
}
