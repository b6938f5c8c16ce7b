// Runs a program of gpu_programs.py on wgpu-native, called directly: what is left of the driver's speed where nothing
// stands between. As run_program.js does it; prints "value" and "milliseconds" as JSON.
//
//   run_program_native LIBRARY FOLDER
//
// FOLDER/program.txt, words: MEASURE ROUNDS, the number of buffers and of each SIZE and FILE or -, the number of
// dispatches and of each its FILE, counts and lists of buffers and of constants as NAME VALUE, three groups; then the
// BUFFER, SIZE and TYPE of the result.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gpu/adapter_info.hpp"
#include "gpu/library.hpp"

using namespace dcp::gpu;

namespace {

using Bytes = std::vector<char>;

struct Dispatch {
  std::string code;
  std::vector<std::size_t> buffers;
  std::vector<std::pair<std::string, double>> constants;
  std::uint32_t groups[3];
};

struct BufferDescription {
  std::size_t size;
  Bytes data;
};

struct Program {
  std::string measure;
  int rounds;
  std::vector<BufferDescription> buffers;
  std::vector<Dispatch> dispatches;
  std::size_t result, result_size;
  std::string result_type;
};

Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Dispatch read_dispatch(std::istream& words, const std::string& folder) {
  Dispatch dispatch;
  std::string file;
  std::size_t buffers = 0, constants = 0;
  words >> file >> buffers;
  const Bytes code = read_file(folder + "/" + file);
  dispatch.code.assign(code.begin(), code.end());
  dispatch.buffers.resize(buffers);
  for (std::size_t& buffer : dispatch.buffers) words >> buffer;
  words >> constants;
  dispatch.constants.resize(constants);
  for (auto& [name, value] : dispatch.constants) words >> name >> value;
  for (std::uint32_t& count : dispatch.groups) words >> count;
  return dispatch;
}

Program read_program(const std::string& folder) {
  std::ifstream words(folder + "/program.txt");
  Program program;
  std::size_t buffers = 0, dispatches = 0;
  words >> program.measure >> program.rounds >> buffers;
  for (std::size_t i = 0; i < buffers; ++i) {
    std::string file;
    BufferDescription& buffer = program.buffers.emplace_back();
    words >> buffer.size >> file;
    if (file != "-") buffer.data = read_file(folder + "/" + file);
  }
  words >> dispatches;
  for (std::size_t i = 0; i < dispatches; ++i) program.dispatches.push_back(read_dispatch(words, folder));
  words >> program.result >> program.result_size >> program.result_type;
  if (!words) throw std::runtime_error("program.txt ends too early");
  return program;
}

WGPUStringView text(const std::string& value) { return {value.data(), value.size()}; }

double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void must(bool held, const std::string& what) {
  if (!held) throw std::runtime_error(what);
}

/// A program on one device. Handles live until the process ends.
class Runner {
 public:
  Runner(const Functions& functions, WGPUAdapter adapter, const Program& program) : f_(functions), program_(program) {
    request_device(adapter);
    queue_ = f_.DeviceGetQueue(device_);
    for (const BufferDescription& described : program.buffers) {
      const auto usage = WGPUBufferUsage_Storage | WGPUBufferUsage_CopySrc | WGPUBufferUsage_CopyDst;
      buffers_.push_back(buffer(described.size, usage));
      if (!described.data.empty()) write(buffers_.back(), described.data.data(), described.data.size());
    }
  }

  std::vector<double> milliseconds() {
    const std::size_t size = program_.buffers[0].size;
    if (program_.measure == "run") return run();
    if (program_.measure == "trip") return trips();
    if (program_.measure == "upload") return uploads(size);
    if (program_.measure == "readback") return readbacks(size);
    return fresh(program_.measure == "new");
  }

  std::string value() {
    if (program_.dispatches.empty()) return std::to_string(program_.buffers[0].size);
    const std::size_t size = program_.result_size;
    const Bytes values = copied(buffers_[program_.result], target(size), size);
    if (program_.result_type == "f32") return sum_of_magnitudes(values);
    return std::to_string(program_.result_type == "u16" ? sum<std::uint16_t>(values) : sum<std::int32_t>(values));
  }

 private:
  using Step = std::function<void(WGPUComputePassEncoder)>;

  void request_device(WGPUAdapter adapter) {
    WGPUDeviceDescriptor descriptor = WGPU_DEVICE_DESCRIPTOR_INIT;
    const WGPUFeatureName f16 = WGPUFeatureName_ShaderF16;
    descriptor.requiredFeatures = &f16;
    for (const Dispatch& dispatch : program_.dispatches) {
      if (dispatch.code.find("enable f16") != std::string::npos) descriptor.requiredFeatureCount = 1;
    }
    WGPURequestDeviceCallbackInfo callback = WGPU_REQUEST_DEVICE_CALLBACK_INFO_INIT;
    callback.mode = WGPUCallbackMode_AllowSpontaneous;
    callback.callback = [](WGPURequestDeviceStatus, WGPUDevice device, WGPUStringView, void* self, void*) {
      static_cast<Runner*>(self)->device_ = device;
    };
    callback.userdata1 = this;
    f_.AdapterRequestDevice(adapter, &descriptor, callback);
    must(device_ != nullptr, "the adapter gives no device");
  }

  WGPUBuffer buffer(std::size_t size, WGPUBufferUsage usage) {
    WGPUBufferDescriptor descriptor = WGPU_BUFFER_DESCRIPTOR_INIT;
    descriptor.size = size;
    descriptor.usage = usage;
    return f_.DeviceCreateBuffer(device_, &descriptor);
  }

  WGPUBuffer target(std::size_t size) { return buffer(size, WGPUBufferUsage_MapRead | WGPUBufferUsage_CopyDst); }

  void write(WGPUBuffer to, const void* data, std::size_t size) { f_.QueueWriteBuffer(queue_, to, 0, data, size); }

  void wait() { f_.DevicePoll(device_, true, nullptr); }

  void submit(const std::function<void(WGPUCommandEncoder)>& encode) {
    const WGPUCommandEncoder encoder = f_.DeviceCreateCommandEncoder(device_, nullptr);
    encode(encoder);
    const WGPUCommandBuffer commands = f_.CommandEncoderFinish(encoder, nullptr);
    f_.QueueSubmitForIndex(queue_, 1, &commands);
    f_.CommandBufferRelease(commands);
    f_.CommandEncoderRelease(encoder);
  }

  WGPUComputePipeline pipeline(const Dispatch& dispatch, const std::string& code) {
    WGPUShaderSourceWGSL source = WGPU_SHADER_SOURCE_WGSL_INIT;
    source.code = text(code);
    WGPUShaderModuleDescriptor module = WGPU_SHADER_MODULE_DESCRIPTOR_INIT;
    module.nextInChain = &source.chain;
    std::vector<WGPUConstantEntry> constants;
    for (const auto& [name, value] : dispatch.constants) {
      WGPUConstantEntry& constant = constants.emplace_back();
      constant = WGPU_CONSTANT_ENTRY_INIT;
      constant.key = text(name);
      constant.value = value;
    }
    const std::string entry = "main";
    WGPUComputePipelineDescriptor descriptor = WGPU_COMPUTE_PIPELINE_DESCRIPTOR_INIT;
    descriptor.compute.module = f_.DeviceCreateShaderModule(device_, &module);
    descriptor.compute.entryPoint = text(entry);
    descriptor.compute.constantCount = constants.size();
    descriptor.compute.constants = constants.data();
    return f_.DeviceCreateComputePipeline(device_, &descriptor);
  }

  WGPUBindGroup bind_group(WGPUComputePipeline pipeline, const Dispatch& dispatch) {
    std::vector<WGPUBindGroupEntry> entries;
    for (const std::size_t index : dispatch.buffers) {
      WGPUBindGroupEntry entry = WGPU_BIND_GROUP_ENTRY_INIT;
      entry.binding = static_cast<std::uint32_t>(entries.size());
      entry.buffer = buffers_.at(index);
      entries.push_back(entry);
    }
    WGPUBindGroupDescriptor descriptor = WGPU_BIND_GROUP_DESCRIPTOR_INIT;
    descriptor.layout = f_.ComputePipelineGetBindGroupLayout(pipeline, 0);
    descriptor.entryCount = entries.size();
    descriptor.entries = entries.data();
    return f_.DeviceCreateBindGroup(device_, &descriptor);
  }

  Step prepare(const Dispatch& dispatch, const std::string& code) {
    const WGPUComputePipeline made = pipeline(dispatch, code);
    const WGPUBindGroup group = bind_group(made, dispatch);
    return [this, made, group, &dispatch](WGPUComputePassEncoder pass) {
      f_.ComputePassEncoderSetPipeline(pass, made);
      f_.ComputePassEncoderSetBindGroup(pass, 0, group, 0, nullptr);
      f_.ComputePassEncoderDispatchWorkgroups(pass, dispatch.groups[0], dispatch.groups[1], dispatch.groups[2]);
    };
  }

  void run_steps(const std::vector<Step>& steps) {
    submit([&](WGPUCommandEncoder encoder) {
      const WGPUComputePassEncoder pass = f_.CommandEncoderBeginComputePass(encoder, nullptr);
      for (const Step& step : steps) step(pass);
      f_.ComputePassEncoderEnd(pass);
      f_.ComputePassEncoderRelease(pass);
    });
    wait();
  }

  std::vector<double> times(const std::function<void(int)>& round) {
    std::vector<double> milliseconds;
    for (int i = -1; i < program_.rounds; ++i) {
      const double begun = now();
      round(i);
      if (i >= 0) milliseconds.push_back(now() - begun);
    }
    return milliseconds;
  }

  std::vector<double> run() {
    std::vector<Step> steps;
    for (const Dispatch& dispatch : program_.dispatches) steps.push_back(prepare(dispatch, dispatch.code));
    return times([&](int) { run_steps(steps); });
  }

  std::vector<double> fresh(bool want_new) {
    std::mt19937 random(std::random_device{}());
    const Dispatch& dispatch = program_.dispatches.at(0);
    std::vector<double> unseen, seen;
    for (int i = 0; i < program_.rounds; ++i) {
      std::string code = dispatch.code;
      const std::string seed = std::to_string(1000 + random() % 1'000'000);
      for (std::size_t at = 0; (at = code.find("SEED")) != std::string::npos;) code.replace(at, 4, seed);
      for (std::vector<double>* found : {&unseen, &seen}) {
        const double begun = now();
        run_steps({prepare(dispatch, code)});
        found->push_back(now() - begun);
      }
    }
    return want_new ? unseen : seen;
  }

  std::vector<double> trips() {
    const WGPUBuffer to = target(4);
    return times([&](int index) {
      write(buffers_[0], &index, 4);
      std::int32_t value = 0;
      read_copy(buffers_[0], to, 4, [&](const char* bytes) { std::memcpy(&value, bytes, 4); });
      must(value == index, "another value came back");
    });
  }

  std::vector<double> uploads(std::size_t size) {
    const Bytes bytes(size, 7);
    return times([&](int) {
      write(buffers_[0], bytes.data(), size);
      f_.QueueSubmitForIndex(queue_, 0, nullptr);  // else wgpu-native leaves the write until there is one
      wait();
    });
  }

  std::vector<double> readbacks(std::size_t size) {
    const Bytes bytes(size, 7);
    write(buffers_[0], bytes.data(), size);
    const WGPUBuffer to = target(size);
    return times([&](int) {
      read_copy(buffers_[0], to, size, [&](const char* range) { must(range[size - 1] == 7, "other bytes came back"); });
    });
  }

  void read_copy(WGPUBuffer from, WGPUBuffer to, std::size_t size, const std::function<void(const char*)>& read) {
    submit([&](WGPUCommandEncoder encoder) { f_.CommandEncoderCopyBufferToBuffer(encoder, from, 0, to, 0, size); });
    bool mapped = false;
    WGPUBufferMapCallbackInfo callback = WGPU_BUFFER_MAP_CALLBACK_INFO_INIT;
    callback.mode = WGPUCallbackMode_AllowSpontaneous;
    callback.callback = [](WGPUMapAsyncStatus status, WGPUStringView, void* done, void*) {
      *static_cast<bool*>(done) = status == WGPUMapAsyncStatus_Success;
    };
    callback.userdata1 = &mapped;
    f_.BufferMapAsync(to, WGPUMapMode_Read, 0, size, callback);
    wait();
    must(mapped, "a buffer could not be mapped");
    read(static_cast<const char*>(f_.BufferGetConstMappedRange(to, 0, size)));
    f_.BufferUnmap(to);
  }

  Bytes copied(WGPUBuffer from, WGPUBuffer to, std::size_t size) {
    Bytes bytes;
    read_copy(from, to, size, [&](const char* range) { bytes.assign(range, range + size); });
    return bytes;
  }

  template <typename T>
  static std::vector<T> as(const Bytes& bytes) {
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return values;
  }

  template <typename T>
  static std::int32_t sum(const Bytes& bytes) {
    std::uint32_t total = 0;
    for (const T value : as<T>(bytes)) total += static_cast<std::uint32_t>(value);
    return static_cast<std::int32_t>(total);
  }

  static std::string sum_of_magnitudes(const Bytes& bytes) {
    double total = 0;
    for (const float value : as<float>(bytes)) total += std::fabs(value);
    char shown[32];
    std::snprintf(shown, sizeof shown, "%.4g", total);
    return shown;
  }

  const Functions& f_;
  const Program& program_;
  WGPUDevice device_ = nullptr;
  WGPUQueue queue_ = nullptr;
  std::vector<WGPUBuffer> buffers_;
};

void print(const std::string& value, const std::vector<double>& milliseconds) {
  std::ostringstream list;
  for (const double time : milliseconds) list << (list.tellp() > 0 ? ", " : "") << time;
  std::printf("{\"value\": %s, \"milliseconds\": [%s]}\n", value.c_str(), list.str().c_str());
}

void run(const std::string& library, const std::string& folder) {
  const Program program = read_program(folder);
  Functions functions;
  open_library(library, functions);
  const std::vector<WGPUAdapter> adapters = find_adapters(functions, WGPUInstanceBackend_Primary);
  if (adapters.empty()) return print("\"no adapter\"", {1});
  for (const Dispatch& dispatch : program.dispatches) {
    const bool f16 = dispatch.code.find("enable f16") != std::string::npos;
    if (f16 && !functions.AdapterHasFeature(adapters[0], WGPUFeatureName_ShaderF16)) return print("\"missing\"", {1});
  }
  Runner runner(functions, adapters[0], program);
  const std::vector<double> milliseconds = runner.milliseconds();
  print(runner.value(), milliseconds);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: run_program_native LIBRARY FOLDER\n");
    return 2;
  }
  try {
    run(arguments[1], arguments[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "run_program_native: %s\n", error.what());
    return 1;
  }
  return 0;
}
