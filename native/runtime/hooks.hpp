// The functions of runtime/js that C++ calls: members of the object `runtime`, put there by the files named below.
// Runtime::load() makes sure that each is there in the modes that call it.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace dcp::runtime {

/// What the global object of a sandbox offers.
enum class Mode : unsigned {
  line = 1,   ///< the primitives of DCP's evaluator contract and nothing that its files do not expect
  job = 2,    ///< web-facing API; work functions arrive as frames
  shell = 4,  ///< web-facing API and print(); scripts run to their end
};

enum class Hook : std::size_t {
  run_timers,
  pause_clock,
  resume_clock,
  on_gpu_replies,
  on_gpu_lost,
  on_line,
  on_start,
  on_frame,
  on_idle,
  on_uncaught,
  on_unhandled_rejection,
  load_module,
  on_undecodable,
  load_template,
};

struct HookInfo {
  Hook hook;
  std::string_view name;
  unsigned modes;
};

inline constexpr unsigned kEveryMode = 7;
inline constexpr unsigned kLineMode = static_cast<unsigned>(Mode::line);
inline constexpr unsigned kJobMode = static_cast<unsigned>(Mode::job);
inline constexpr unsigned kFrameModes = kJobMode | static_cast<unsigned>(Mode::shell);

inline constexpr std::array kHooks = {
    HookInfo{Hook::run_timers, "runTimers", kEveryMode},         // timers.js, line.js
    HookInfo{Hook::pause_clock, "pauseClock", kEveryMode},       // performance.js
    HookInfo{Hook::resume_clock, "resumeClock", kEveryMode},     // performance.js
    HookInfo{Hook::on_gpu_replies, "onGpuReplies", kEveryMode},  // webgpu-wire.js
    HookInfo{Hook::on_gpu_lost, "onGpuLost", kEveryMode},        // webgpu-wire.js
    HookInfo{Hook::on_line, "onLine", kLineMode},                // line.js
    HookInfo{Hook::on_start, "onStart", kFrameModes},            // job.js, shell.js, as the rest
    HookInfo{Hook::on_frame, "onFrame", kFrameModes},
    HookInfo{Hook::on_idle, "onIdle", kFrameModes},
    HookInfo{Hook::on_uncaught, "onUncaught", kFrameModes},
    HookInfo{Hook::on_unhandled_rejection, "onUnhandledRejection", kFrameModes},
    HookInfo{Hook::load_module, "loadModule", kFrameModes},
    HookInfo{Hook::on_undecodable, "onUndecodable", kJobMode},
    HookInfo{Hook::load_template, "loadTemplate", kJobMode | kLineMode},  // template.js
};

consteval bool hooks_are_in_order() {
  for (std::size_t i = 0; i < kHooks.size(); ++i) {
    if (static_cast<std::size_t>(kHooks[i].hook) != i) return false;
  }
  return kHooks.size() == static_cast<std::size_t>(Hook::load_template) + 1;
}
static_assert(hooks_are_in_order());

}  // namespace dcp::runtime
