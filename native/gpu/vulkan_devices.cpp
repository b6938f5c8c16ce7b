#include "gpu/vulkan_devices.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace dcp::gpu {
namespace {

// The few declarations of the Vulkan specification that this needs. Its structures never change their layout.
struct Instance;
struct PhysicalDevice;
using Result = std::int32_t;

struct ApplicationInfo {
  std::uint32_t type = 0;
  const void* next = nullptr;
  const char* application = "dcp-gpu-host";
  std::uint32_t application_version = 0;
  const char* engine = nullptr;
  std::uint32_t engine_version = 0;
  std::uint32_t api_version;
};

struct InstanceCreateInfo {
  std::uint32_t type = 1;
  const void* next = nullptr;
  std::uint32_t flags = 0;
  const ApplicationInfo* application;
  std::uint32_t layer_count = 0;
  const char* const* layers = nullptr;
  std::uint32_t extension_count = 0;
  const char* const* extensions = nullptr;
};

struct ExtensionProperties {
  char name[256];
  std::uint32_t version;
};

struct PciBusInfo {
  std::uint32_t type = 1000212000;
  void* next = nullptr;
  std::uint32_t domain, bus, device, function;
};

struct DriverProperties {
  std::uint32_t type = 1000196000;
  void* next = nullptr;
  std::uint32_t id;
  char name[256], info[256];
  std::uint8_t conformance[4];
};

struct IdProperties {
  std::uint32_t type = 1000071004;
  void* next = nullptr;
  std::uint8_t device[16], driver[16], luid[8];
  std::uint32_t node_mask, luid_is_valid;
};

struct DeviceProperties2 {
  std::uint32_t type = 1000059001;
  void* next = nullptr;
  std::uint32_t api_version, driver_version, vendor, device, kind;
  char name[256];
  std::byte rest[1024];  // limits and more: 552 bytes
};

constexpr std::uint32_t version(std::uint32_t minor) { return 1u << 22 | minor << 12; }

using EnumerateInstanceVersion = Result(std::uint32_t*);
using CreateInstance = Result(const InstanceCreateInfo*, const void*, Instance**);
using EnumeratePhysicalDevices = Result(Instance*, std::uint32_t*, PhysicalDevice**);
using EnumerateDeviceExtensionProperties = Result(PhysicalDevice*, const char*, std::uint32_t*, ExtensionProperties*);
using GetPhysicalDeviceProperties2 = void(PhysicalDevice*, DeviceProperties2*);

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
  std::string text;
  char digits[3];
  for (const std::uint8_t byte : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

std::string uuid_text(const std::uint8_t (&uuid)[16]) {
  if (std::all_of(std::begin(uuid), std::end(uuid), [](std::uint8_t byte) { return byte == 0; })) return {};
  std::string text = hexadecimal(uuid);
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) text.insert(dash, "-");
  return text;
}

std::string pci_text(const PciBusInfo& place) {
  char text[48];
  std::snprintf(text, sizeof text, "%04x:%02x:%02x.%x", place.domain, place.bus, place.device, place.function);
  return text;
}

template <std::size_t N>
std::string text_of(const char (&text)[N]) {
  return {text, strnlen(text, N)};
}

class Loader {
 public:
  /// Throws nothing: without a loader, no function is found.
  Loader() {
    void* library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    get_ = reinterpret_cast<void* (*)(Instance*, const char*)>(dlsym(library, "vkGetInstanceProcAddr"));
    const auto api = find<EnumerateInstanceVersion>("vkEnumerateInstanceVersion");
    const auto create = find<CreateInstance>("vkCreateInstance");
    ApplicationInfo application{};
    if (api == nullptr || create == nullptr || api(&application.api_version) != 0) return;
    InstanceCreateInfo info{};
    info.application = &application;
    if (create(&info, nullptr, &instance_) != 0) instance_ = nullptr;
  }

  std::vector<VulkanDevice> devices() {
    const auto enumerate = find<EnumeratePhysicalDevices>("vkEnumeratePhysicalDevices");
    properties_ = find<GetPhysicalDeviceProperties2>("vkGetPhysicalDeviceProperties2");
    extensions_ = find<EnumerateDeviceExtensionProperties>("vkEnumerateDeviceExtensionProperties");
    if (instance_ == nullptr || enumerate == nullptr || properties_ == nullptr || extensions_ == nullptr) return {};
    std::array<PhysicalDevice*, 64> handles{};
    std::uint32_t count = handles.size();
    // Positive where there are more of them.
    if (enumerate(instance_, &count, handles.data()) < 0) return {};
    std::vector<VulkanDevice> found;
    for (std::uint32_t i = 0; i < count; ++i) found.push_back(describe(handles[i]));
    return found;
  }

 private:
  template <typename Function>
  Function* find(const char* name) const {
    return get_ == nullptr ? nullptr : reinterpret_cast<Function*>(get_(instance_, name));
  }

  std::vector<ExtensionProperties> extensions_of(PhysicalDevice* handle) const {
    std::uint32_t count = 0;
    if (extensions_(handle, nullptr, &count, nullptr) < 0) return {};
    std::vector<ExtensionProperties> found(count);
    if (extensions_(handle, nullptr, &count, found.data()) < 0) return {};
    found.resize(std::min<std::size_t>(found.size(), count));
    return found;
  }

  VulkanDevice describe(PhysicalDevice* handle) const {
    const std::vector<ExtensionProperties> extensions = extensions_of(handle);
    const auto has = [&extensions](std::string_view name) {
      return std::any_of(extensions.begin(), extensions.end(),
                         [&](const auto& each) { return text_of(each.name) == name; });
    };
    DeviceProperties2 base{};
    properties_(handle, &base);
    const std::uint32_t api = base.api_version;
    PciBusInfo place{};
    DriverProperties driver{};
    IdProperties ids{};
    const auto ask = [&base](auto& structure, bool known) {
      if (known) structure.next = std::exchange(base.next, &structure);
    };
    const bool knows_place = has("VK_EXT_pci_bus_info");
    ask(place, knows_place);
    ask(driver, api >= version(2) || has("VK_KHR_driver_properties"));
    ask(ids, api >= version(1));
    properties_(handle, &base);
    return {text_of(base.name),   base.vendor, base.device, text_of(driver.name), knows_place ? pci_text(place) : "",
            uuid_text(ids.device)};
  }

  void* (*get_)(Instance*, const char*) = nullptr;
  Instance* instance_ = nullptr;
  GetPhysicalDeviceProperties2* properties_ = nullptr;
  EnumerateDeviceExtensionProperties* extensions_ = nullptr;
};

}  // namespace

std::vector<VulkanDevice> vulkan_devices() { return Loader().devices(); }

}  // namespace dcp::gpu
