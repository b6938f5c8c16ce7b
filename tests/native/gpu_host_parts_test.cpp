// The parts of a GPU host that need no driver: sizes of textures, the account of memory, the watchdog, the choice of
// adapters, times by the GPU's clock, what a crash is told as.
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "check.hpp"
#include "gpu/adapter_choice.hpp"
#include "gpu/adapter_identity.hpp"
#include "gpu/copy_bytes.hpp"
#include "gpu/crash.hpp"
#include "gpu/gpu_timer.hpp"
#include "gpu/implicit_layers.hpp"
#include "gpu/memory_account.hpp"
#include "gpu/region.hpp"
#include "gpu/watchdog.hpp"
#include "ipc/patience.hpp"

using namespace dcp::gpu;
using namespace std::chrono_literals;

namespace {

WGPUTextureDescriptor texture(WGPUTextureFormat format, std::uint32_t width, std::uint32_t height,
                              std::uint32_t layers = 1, std::uint32_t levels = 1) {
  WGPUTextureDescriptor descriptor = WGPU_TEXTURE_DESCRIPTOR_INIT;
  descriptor.format = format;
  descriptor.size = {width, height, layers};
  descriptor.mipLevelCount = levels;
  return descriptor;
}

void textures_have_the_size_of_their_texels() {
  CHECK_EQ(texture_bytes(texture(WGPUTextureFormat_RGBA8Unorm, 16, 8)), 512);
  CHECK_EQ(texture_bytes(texture(WGPUTextureFormat_R8Unorm, 3, 5, 7)), 105);
  CHECK_EQ(texture_bytes(texture(WGPUTextureFormat_RGBA32Float, 4, 4, 1, 3)), 16 * (16 + 4 + 1));
  CHECK_EQ(texture_bytes(texture(WGPUTextureFormat_BC1RGBAUnorm, 8, 8)), 32);
  CHECK_EQ(texture_bytes(texture(WGPUTextureFormat_BC7RGBAUnorm, 5, 4)), 32);
  WGPUTextureDescriptor volume = texture(WGPUTextureFormat_R32Float, 4, 4, 4, 2);
  volume.dimension = WGPUTextureDimension_3D;
  CHECK_EQ(texture_bytes(volume), 4 * (64 + 8));
  WGPUTextureDescriptor samples = texture(WGPUTextureFormat_RGBA8Unorm, 2, 2);
  samples.sampleCount = 4;
  CHECK_EQ(texture_bytes(samples), 64);
  CHECK_EQ(texture_bytes(texture(WGPUTextureFormat_RGBA32Float, UINT32_MAX, UINT32_MAX, UINT32_MAX)), UINT64_MAX);
  CHECK(texture_bytes(texture(WGPUTextureFormat_RGBA8Unorm, 1, 1, 1, UINT32_MAX)) > 0);
}

void an_account_holds_its_limit() {
  Region region;
  auto account = std::make_shared<MemoryAccount>(100, region.header());
  Region other;
  MemoryAccount software(100, other.header(), 30);
  CHECK(software.take(20, true) && !software.take(11, true) && software.take(80) && !software.take(1));
  software.give(20, true);
  CHECK(software.take(20, true));
  CHECK(!account->take(101) && account->take(60) && !account->take(41) && account->take(40) && !account->take(1));
  account->give(40);
  {
    MemoryCharge charge(account, 0);
    CHECK(account->take(10));
    charge = MemoryCharge(account, 10);
    CHECK_EQ(region.header().memory.load(), 70);
    MemoryCharge moved(std::move(charge));
  }
  CHECK(region.header().memory == 60 && region.header().memory_peak == 100);
  // What the sandbox writes there changes nothing.
  region.header().memory = 0;
  CHECK(!account->take(41) && account->take(40));
}

struct Expiry {
  std::mutex mutex;
  std::condition_variable changed;
  int times = 0;
  std::function<void()> callback() {
    return [this] {
      const std::lock_guard lock(mutex);
      ++times;
      changed.notify_all();
    };
  }
  bool wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, time, [&] { return times > 0; });
  }
};

void a_watchdog_bites_once_and_only_where_something_hangs() {
  {
    Expiry expiry;
    Watchdog watchdog(200ms, expiry.callback());
    CHECK(!expiry.wait(250ms));  // nothing was begun
    for (int i = 0; i < 8; ++i) {
      watchdog.begin();
      CHECK(!expiry.wait(40ms));
      if (i % 3 == 0) watchdog.end();
    }
    watchdog.end();
    CHECK(!expiry.wait(250ms));
  }
  Expiry expiry;
  Watchdog watchdog(20ms, expiry.callback());
  watchdog.begin();
  CHECK(expiry.wait(10s) && expiry.times == 1);
}

// Adapters whose handle is their type.
Functions adapters_by_type() {
  Functions functions;
  functions.AdapterGetInfo = [](WGPUAdapter adapter, WGPUAdapterInfo* info) {
    info->adapterType = static_cast<WGPUAdapterType>(reinterpret_cast<std::uintptr_t>(adapter) / 10);
    return WGPUStatus_Success;
  };
  functions.AdapterInfoFreeMembers = [](WGPUAdapterInfo) {};
  functions.AdapterGetLimits = [](WGPUAdapter, WGPULimits*) { return WGPUStatus_Success; };
  return functions;
}

WGPUAdapter adapter(WGPUAdapterType type, int number) {
  return reinterpret_cast<WGPUAdapter>(static_cast<std::uintptr_t>(type) * 10 + static_cast<std::uintptr_t>(number));
}

using Names = std::vector<std::string>;

void adapters_of_a_kind_take_turns() {
  const Functions functions = adapters_by_type();
  const auto found = [](WGPUAdapterType type, int number, const char* name) {
    return FoundAdapter{adapter(type, number), {name, "", ""}};
  };
  const std::vector all = {found(WGPUAdapterType_DiscreteGPU, 1, "a"), found(WGPUAdapterType_DiscreteGPU, 2, "b"),
                           found(WGPUAdapterType_DiscreteGPU, 3, "c"), found(WGPUAdapterType_DiscreteGPU, 4, "b"),
                           found(WGPUAdapterType_CPU, 1, "cpu")};
  const auto choose = [&](const AdapterChoice& choice) {
    Names names;
    for (const FoundAdapter& each : choose_adapters(functions, all, choice)) names.push_back(each.identity.text);
    return names;
  };
  CHECK((choose({}) == Names{"a", "b", "c", "cpu"}));
  CHECK(choose_adapters(functions, all, {})[1].handle == all[1].handle);  // not the other driver's
  CHECK((choose({true, {}, {}, 1}) == Names{"b", "c", "a", "cpu"}));
  CHECK((choose({true, {}, {}, 5}) == Names{"c", "a", "b", "cpu"}));
  CHECK((choose({true, {}, {"a", "cpu"}, 1}) == Names{"c", "b"}));
  CHECK((choose({false, {"cpu", "a"}, {}, 7}) == Names{"cpu", "a"}));
  CHECK((choose({false, {"c", "a"}, {}, 1}) == Names{"a", "c"}));
  CHECK(choose({false, {"c", "a"}, {"a", "c"}, 1}).empty());
  CHECK(choose({false, {}, {}, 1}).empty());
  CHECK((choose({false, {"z", "b"}, {}, 0}) == Names{"b"}));
  CHECK((missing(all, {false, {"z", "b", "y"}, {}, 0}) == Names{"z", "y"}));
  CHECK(missing(all, {}).empty());
}

// Adapters whose handle is a VulkanDevice; without a name, one that is not Vulkan's.
Functions adapters_by_device() {
  Functions functions = adapters_by_type();
  functions.AdapterGetInfo = [](WGPUAdapter handle, WGPUAdapterInfo* info) {
    const auto& device = *reinterpret_cast<const VulkanDevice*>(handle);
    info->backendType = device.name.empty() ? WGPUBackendType_OpenGL : WGPUBackendType_Vulkan;
    info->device = {device.name.data(), device.name.size()};
    info->vendor = {device.driver.data(), device.driver.size()};
    info->vendorID = device.vendor;
    info->deviceID = device.device;
    return WGPUStatus_Success;
  };
  return functions;
}

/// The identities of `adapters` where the loader has `devices`.
Names identities(std::vector<VulkanDevice> adapters, const std::vector<VulkanDevice>& devices) {
  std::vector<WGPUAdapter> handles;
  for (VulkanDevice& device : adapters) handles.push_back(reinterpret_cast<WGPUAdapter>(&device));
  Names names;
  for (const FoundAdapter& found : identify(adapters_by_device(), handles, devices))
    names.push_back(found.identity.text);
  return names;
}

void an_adapter_is_known_by_its_place() {
  const VulkanDevice first{"H200", 0x10DE, 0x2335, "NVIDIA", "0000:18:00.0", "uuid-1"};
  const VulkanDevice second{"H200", 0x10DE, 0x2335, "NVIDIA", "0000:2a:00.0", "uuid-2"};
  const VulkanDevice software{"llvmpipe", 0x10005, 0, "llvmpipe", "", "uuid-3"};
  const VulkanDevice nameless{"unknown", 0x1002, 0x7, "", "", ""};
  const VulkanDevice opengl{"", 0, 0, "", "", ""};
  const Names places = {"0000:18:00.0", "0000:2a:00.0", "uuid-3"};
  CHECK(identities({first, second, software}, {software, first, second}) == places);
  CHECK((identities({opengl, second}, {second}) == Names{"0000:0000#0", "0000:2a:00.0"}));
  CHECK((identities({nameless, nameless}, {nameless, nameless}) == Names{"1002:0007#0", "1002:0007#1"}));
  CHECK((identities({first}, {}) == Names{"10de:2335#0"}));
  // Which of the two wgpu-native offers, nobody can say.
  CHECK((identities({first, software}, {first, second, software}) == Names{"10de:2335#0", "uuid-3"}));
}

void a_gpu_of_two_drivers_has_one_identity() {
  const VulkanDevice radv{"RX 7900 (RADV)", 0x1002, 0x744C, "radv", "0000:03:00.0", "uuid-1"};
  const VulkanDevice amdvlk{"RX 7900", 0x1002, 0x744C, "AMD open-source driver", "0000:03:00.0", "uuid-2"};
  const VulkanDevice unknown{"RX 7900", 0x1002, 0x744C, "third", "", "uuid-1"};
  const VulkanDevice half{"RX 7900 (RADV)", 0x1002, 0x744C, "radv", "0000:03:00.0", "uuid-4"};
  CHECK((identities({radv, amdvlk, unknown}, {radv, amdvlk, unknown}) ==
         Names{"0000:03:00.0", "0000:03:00.0", "0000:03:00.0"}));
  CHECK((identities({radv, radv}, {radv, radv}) == Names{"0000:03:00.0", "0000:03:00.0"}));
  // Two parts of one GPU by the same driver are two.
  CHECK((identities({radv, half}, {radv, half}) == Names{"uuid-1", "uuid-4"}));
}

void power_and_fallback_choose_an_adapter() {
  const Functions functions = adapters_by_type();
  const auto discrete = adapter(WGPUAdapterType_DiscreteGPU, 1), other = adapter(WGPUAdapterType_DiscreteGPU, 2);
  const auto integrated = adapter(WGPUAdapterType_IntegratedGPU, 1), cpu = adapter(WGPUAdapterType_CPU, 1);
  const std::vector all = {discrete, other, integrated, cpu};
  for (const WGPUPowerPreference power :
       {WGPUPowerPreference_Undefined, WGPUPowerPreference_LowPower, WGPUPowerPreference_HighPerformance}) {
    const auto expected = power == WGPUPowerPreference_LowPower ? integrated : discrete;
    CHECK_EQ(answer_request(functions, all, power, false), expected);
    CHECK_EQ(answer_request(functions, all, power, true), cpu);
    CHECK_EQ(answer_request(functions, {cpu}, power, false), cpu);
    CHECK_EQ(answer_request(functions, {other, discrete}, power, true), nullptr);
    CHECK_EQ(answer_request(functions, {}, power, false), nullptr);
  }
  // The operator's order counts where no preference does.
  CHECK_EQ(answer_request(functions, {integrated, discrete}, WGPUPowerPreference_Undefined, false), integrated);
  CHECK_EQ(answer_request(functions, {integrated, discrete}, WGPUPowerPreference_HighPerformance, false), discrete);
  CHECK_EQ(answer_request(functions, {cpu, discrete}, WGPUPowerPreference_LowPower, false), cpu);
}

void* any_handle() {
  static int handle;
  return &handle;
}

std::uint64_t ticks[2];  // what the GPU's clock said before and after a submission

Functions clock_of_ticks() {
  Functions functions;
  for_each_function(functions, [](const char*, void** function) { *function = reinterpret_cast<void*>(&any_handle); });
  functions.QueueGetTimestampPeriod = [](WGPUQueue) { return 2.5f; };
  functions.BufferGetConstMappedRange = [](WGPUBuffer, std::size_t, std::size_t) -> const void* { return ticks; };
  functions.BufferMapAsync = [](WGPUBuffer, WGPUMapMode, std::size_t, std::size_t, WGPUBufferMapCallbackInfo callback) {
    callback.callback(WGPUMapAsyncStatus_Success, {}, callback.userdata1, callback.userdata2);
    return WGPUFuture{};
  };
  return functions;
}

void time_is_taken_by_the_clock_of_the_gpu() {
  const Functions functions = clock_of_ticks();
  Region region;
  Header& header = region.header();
  CHECK_EQ(header.gpu_clock.load(), kSubmission);
  GpuTimer timer(functions, static_cast<WGPUDevice>(any_handle()), static_cast<WGPUQueue>(any_handle()), header);
  CHECK_EQ(header.gpu_clock.load(), kTimestamps);
  const auto take = [&](std::uint64_t before, std::uint64_t after) {
    const auto slot = timer.submitted(*timer.open(), true);
    ticks[0] = before, ticks[1] = after;
    timer.read(*slot);
  };
  take(1000, 1400);
  CHECK_EQ(header.gpu_ns.load(), 1000);  // 2.5 ns a tick
  take(5000, 4000);                      // a clock that went back
  CHECK_EQ(header.gpu_ns.load(), 1000);
  // Too many at once go without; one that was refused costs nothing.
  std::vector<GpuTimer::Span> open;
  while (const auto span = timer.open()) open.push_back(*span);
  CHECK_EQ(open.size(), 64);
  CHECK(!timer.submitted(open[0], false));
  CHECK(timer.open().has_value());
}

void a_crash_has_a_reason() {
  const char* panic =
      "\nthread '<unnamed>' (77) panicked at src/lib.rs:12:5:\nnot implemented: no such thing\nsecond line\n"
      "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n"
      "\nthread '<unnamed>' (77) panicked at core/src/panicking.rs:1:1:\npanic in a function that cannot unwind\n";
  CHECK_EQ(crash_reason(6, panic),
           "the GPU host crashed: panic in wgpu-native: not implemented: no such thing\nsecond line (src/lib.rs:12:5)");
  CHECK_EQ(crash_reason(11, "some driver says hello\n"), "the GPU host crashed: Segmentation fault");
  CHECK_EQ(crash_reason(6, "panicked at nowhere"), "the GPU host crashed: Aborted");
}

void a_layer_is_switched_off_by_its_own_variable() {
  using Switches = std::vector<std::pair<std::string, std::string>>;
  CHECK(switches_off("{}").empty());
  CHECK(switches_off(
            R"({"layer": {"name": "a", "disable_environment": {"A_OFF": "1"}, "enable_environment": {"B": ""}}})") ==
        Switches({{"A_OFF", "1"}}));
  CHECK(switches_off(R"({"layers": [{"disable_environment" : { "A" : "" } }, {"disable_environment": {"B": "2"}}]})") ==
        Switches({{"A", ""}, {"B", "2"}}));
  for (const char* broken :
       {R"("disable_environment")", R"("disable_environment": {"A)", R"("disable_environment": {"A": )",
        R"("disable_environment": {"A": "1)", R"("disable_environment": {"": "1"})"}) {
    CHECK(switches_off(broken).empty());
  }
}

void all_bytes_are_copied_and_no_others() {
  constexpr std::size_t kMost = (9u << 20) + 77;
  std::vector<std::byte> from(kMost + 64), to(kMost + 128);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 2654435761u >> 13 | 1);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{8u << 20}, kMost - 1, kMost}) {
    for (const std::size_t start : {0u, 1u, 63u}) {
      std::ranges::fill(to, std::byte{0});
      copy_bytes(to.data() + start, from.data() + 3, size);
      CHECK(size == 0 || std::memcmp(to.data() + start, from.data() + 3, size) == 0);
      CHECK(start == 0 || to[start - 1] == std::byte{0});
      CHECK(to[start + size] == std::byte{0});
    }
  }
}

void patience_grows_while_it_pays_and_ends_where_it_does_not() {
  using dcp::ipc::Patience;
  Patience patience;
  CHECK(patience.longest().count() == 0);  // who never waits never looks
  CHECK(patience.look([] { return true; }));
  for (int i = 0; i < 10'000 && patience.longest().count() == 0; ++i) {
    CHECK(!patience.look([] { return false; }));
    patience.slept();
  }
  CHECK(patience.longest().count() > 0);
  CHECK(patience.longest() <= Patience::kMost);
  for (int i = 0; i < 8; ++i) {
    CHECK(!patience.look([] { return false; }));
    std::this_thread::sleep_for(2 * Patience::kMost);
    patience.slept();
  }
  CHECK(patience.longest().count() == 0);
}

}  // namespace

int main() {
  textures_have_the_size_of_their_texels();
  an_account_holds_its_limit();
  a_watchdog_bites_once_and_only_where_something_hangs();
  adapters_of_a_kind_take_turns();
  an_adapter_is_known_by_its_place();
  a_gpu_of_two_drivers_has_one_identity();
  power_and_fallback_choose_an_adapter();
  time_is_taken_by_the_clock_of_the_gpu();
  a_crash_has_a_reason();
  a_layer_is_switched_off_by_its_own_variable();
  all_bytes_are_copied_and_no_others();
  patience_grows_while_it_pays_and_ends_where_it_does_not();
  return dcp::test::failures != 0;
}
