#include "sandbox/first_line.hpp"

#include <algorithm>
#include <cstddef>

namespace dcp::sandbox {

namespace {

constexpr std::size_t kKept = 32;
constexpr std::string_view kBlank = " \t\r", kDigits = "0123456789", kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// SSH; HAProxy's; an answer or a request of HTTP 0.9; SMTP and LMTP; rsync; XMPP and others that speak XML.
constexpr std::string_view kGreetings[] = {"SSH-",  "PROXY ", "HTTP/",    "GET /", "EHLO ",
                                           "HELO ", "LHLO ",  "@RSYNCD:", "<"};

/// A control character with nothing but ASCII before it: other bytes are text, if no UTF-8, and lines may have such.
bool is_binary(std::string_view start) {
  const auto* const found = std::ranges::find_if(start, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x7f || (byte < ' ' && kBlank.find(c) == std::string_view::npos);
  });
  return found != start.end() && static_cast<unsigned char>(*found) < 0x80;
}

bool consists_of(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

/// " HTTP/1.1", and so RTSP, SIP, ICAP.
bool ends_as_request(std::string_view line) {
  const std::string_view word = line.substr(line.rfind(' ') + 1);
  const std::size_t slash = word.find('/');
  return word.size() < line.size() && slash != std::string_view::npos &&
         consists_of(word.substr(0, slash), kCapitals) && consists_of(word.substr(slash + 1), "0123456789.");
}

/// An array of Redis: "*3".
bool is_count(std::string_view line) { return line.starts_with('*') && consists_of(line.substr(1), kDigits); }

}  // namespace

bool FirstLine::add(std::string_view bytes) {
  while (!passed_ && !bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    if (!add_part(bytes.substr(0, newline))) return false;
    if (newline == std::string_view::npos) return true;
    if (!finish()) return false;
    bytes.remove_prefix(newline + 1);
  }
  return true;
}

bool FirstLine::add_part(std::string_view part) {
  if (start_.empty()) part.remove_prefix(std::min(part.find_first_not_of(kBlank), part.size()));
  start_.append(part.substr(0, kKept - start_.size()));
  end_.append(part.substr(part.size() - std::min(part.size(), kKept)));
  end_.erase(0, end_.size() - std::min(end_.size(), kKept));
  const auto greets = [&](std::string_view greeting) { return start_.starts_with(greeting); };
  return !is_binary(start_) && std::ranges::none_of(kGreetings, greets);
}

bool FirstLine::finish() {
  if (start_.empty()) return true;
  passed_ = true;
  end_.erase(end_.find_last_not_of(kBlank) + 1);
  return !ends_as_request(end_) && !is_count(end_);
}

}  // namespace dcp::sandbox
