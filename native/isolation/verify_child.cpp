#include "isolation/verify_child.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "isolation/policy.hpp"

namespace dcp::isolation {
namespace {

constexpr std::size_t kMaxText = 16384;

std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else {
      quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return quoted + '"';
}

}  // namespace

Ended run_in(const Forked& forked, const std::function<std::string(int& channel)>& body) {
  if (forked.process == 0) {
    int channel = forked.channel;
    const std::string text = body(channel);
    (void)send(channel, text.data(), text.size(), MSG_NOSIGNAL);
    _exit(0);
  }
  Ended ended;
  pollfd waiting{forked.channel, POLLIN, 0};
  if (poll(&waiting, 1, kCheckMs) == 1) {
    ended.text.resize(kMaxText);
    const ssize_t size = recv(forked.channel, ended.text.data(), ended.text.size(), 0);
    ended.text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  } else {
    kill(forked.process, SIGKILL);
    ended.text = "the check did not end";
  }
  close(forked.channel);
  while (waitpid(forked.process, &ended.status, 0) < 0 && errno == EINTR) continue;
  return ended;
}

Failure outcome(const Ended& ended) {
  if (!ended.text.empty()) return ended.text;
  return ended.status == 0 ? Failure{} : Failure{"the check ended with status " + std::to_string(ended.status)};
}

Failure expect_refusal(const char* what, bool succeeded, int error) {
  const int got = errno;
  if (succeeded) return std::string(what) + " succeeded";
  return got == error ? Failure{} : failed(std::string("unexpected outcome of ") + what, got);
}

std::string encode(const Report& report) {
  std::string text;
  for (const LayerState& state : report) {
    text += std::string(layer_name(state.layer)) + '\t' + (state.in_force ? '1' : '0') + '\t' + state.reason + '\n';
  }
  return text;
}

Report decode(const Ended& ended) {
  Report report;
  for (std::size_t at = 0; at < ended.text.size();) {
    const std::size_t first = ended.text.find('\t', at);
    const std::size_t end = ended.text.find('\n', at);
    if (first == std::string::npos || end == std::string::npos || end < first + 3) break;
    const std::string name = ended.text.substr(at, first - at);
    const std::optional<Layer> layer = layer_named(name);
    if (!layer) throw std::runtime_error("a sealed child reported a layer that is not known: " + name);
    report.push_back({*layer, ended.text[first + 1] == '1', ended.text.substr(first + 3, end - first - 3)});
    at = end + 1;
  }
  if (report.empty()) throw std::runtime_error("a sealed child cannot be made: " + outcome(ended).reason());
  return report;
}

std::string to_json(const Report& report) {
  std::string text = "[";
  for (const LayerState& state : report) {
    if (text.size() > 1) text += ",\n ";
    text += "{\"layer\": " + json_string(layer_name(state.layer)) +
            ", \"in_force\": " + (state.in_force ? "true" : "false") + ", \"reason\": " + json_string(state.reason) +
            ", \"remedy\": " + json_string(state.in_force ? "" : remedy(state.layer)) + "}";
  }
  return text + "]\n";
}

}  // namespace dcp::isolation
