#include "gpu/implicit_layers.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include "gpu/driver_manifests.hpp"

namespace dcp::gpu {
namespace {

constexpr const char* kFilter = "VK_LOADER_LAYERS_DISABLE";

std::vector<std::string> manifest_folders() {
  std::vector<std::string> folders = loader_folders();
  for (std::string& folder : folders) folder += "/vulkan/implicit_layer.d";
  return folders;
}

/// The next string in quotes, which `text` then begins behind; nothing where none comes before `end`.
std::optional<std::string> next_string(std::string_view& text, char end) {
  const std::size_t open = text.find_first_of(std::string("\"") + end);
  if (open == std::string_view::npos || text[open] == end) return std::nullopt;
  const std::size_t close = text.find('"', open + 1);
  if (close == std::string_view::npos) return std::nullopt;
  std::string found(text.substr(open + 1, close - open - 1));
  text.remove_prefix(close + 1);
  return found;
}

void switch_off(const std::string& manifest) {
  std::ifstream file(manifest);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  for (const auto& [name, value] : switches_off(text)) setenv(name.c_str(), value.c_str(), 1);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> switches_off(std::string_view manifest) {
  constexpr std::string_view key = "\"disable_environment\"";
  std::vector<std::pair<std::string, std::string>> switches;
  for (std::size_t at = manifest.find(key); at != std::string_view::npos; at = manifest.find(key)) {
    manifest.remove_prefix(at + key.size());
    while (auto name = next_string(manifest, '}')) {
      const auto value = next_string(manifest, '}');
      if (!value) break;
      if (!name->empty() && name->find('=') == std::string::npos) switches.emplace_back(std::move(*name), *value);
    }
  }
  return switches;
}

void keep_implicit_layers_out() {
  const char* named = std::getenv(kFilter);
  const std::string filter = named == nullptr ? "" : named;
  setenv(kFilter, (filter + (filter.empty() ? "" : ",") + "~implicit~").c_str(), 1);
  // Loaders before 1.3.234 know no filter, but the variable that each of these layers has to have.
  for (const std::string& folder : manifest_folders()) {
    for (const std::string& manifest : matches(folder + "/*.json")) switch_off(manifest);
  }
}

}  // namespace dcp::gpu
