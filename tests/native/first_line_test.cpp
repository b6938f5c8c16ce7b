// What peers send first: lines pass, other protocols do not, however their bytes are cut.
#include "sandbox/first_line.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "check.hpp"

using dcp::sandbox::FirstLine;
using std::string_view_literals::operator""sv;

namespace {

bool passes(std::string_view text, std::size_t piece) {
  FirstLine line;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    if (!line.add(text.substr(0, piece))) return false;
  }
  return line.finish();
}

constexpr std::string_view kLines[] = {
    "",
    "\n",
    "\r\n \t\n",
    "{\"type\":\"workerMessage\",\"message\":{\"request\":\"describe\"}}\n",
    "  {\"type\": \"die\"}\r\n",
    "{\"url\":\"GET / HTTP/1.1\"}\n",
    "echo one\nGET / HTTP/1.1\r\n",
    "echo GET /\n",
    "\xE2\x82\xAC\xF0\x9F\x98\x80 \xff\xfe\n\x16\x03\x01\n",
    "\xff\xfe\0\x80 garbage\n"sv,
    "a line in which a control character, this \0 one, comes late\n"sv,
    "*\n",
    "*1a\n",
    "a/1\n",
    "and/1.0 or/2\n",
    " /1\n",
    "7\n",
};

constexpr std::string_view kOthers[] = {
    "POST / HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n\r\n{}\n",
    "GET /a%20b?c HTTP/1.0",
    "OPTIONS * HTTP/1.1\n",
    "M-SEARCH * HTTP/1.1  \r\n",
    "CONNECT example:443 HTTP/1.1\r\n",
    "\r\n\r\nGET / HTTP/1.1\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET /\r\n",
    "HTTP/1.1 400 Bad Request\r\n",
    "DESCRIBE rtsp://host/media RTSP/1.0\r\n",
    "INVITE sip:you@host SIP/2.0\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n",
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"sv,
    "EHLO client.example\r\n",
    "@RSYNCD: 31.0\n",
    "<?xml version='1.0'?><stream:stream to='host'>",
    "*2\r\n$4\r\nLLEN\r\n$6\r\nmylist\r\n",
    "\x05\x01\0"sv,
    "\x04\x01\0\x50"sv,
    "\x03\0\0\x13\x0e\xe0"sv,
    "AMQP\0\0\x09\x01"sv,
    "\x10\x0c\0\x04MQTT"sv,
    "\0\0\0\x08\x04\xd2\x16\x2f"sv,
    "002bgit-upload-pack /repo\0host=here\0"sv,
    "0\x0c\x02\x01\x01\x60"sv,
    "\0\x01\0\x08\x21\x12\xa4\x42{\"type\":\"die\"}\n"sv,
};

void the_answer_does_not_depend_on_the_cut() {
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 4096U}) {
    for (const std::string_view text : kLines) CHECK(passes(text, piece));
    for (const std::string_view text : kOthers) CHECK(!passes(text, piece));
  }
}

void a_request_of_any_length_is_one() {
  const std::string path(3'000'000, 'a');
  CHECK(!passes("GET /" + path + " HTTP/1.1\r\n", 65'536));
  CHECK(!passes("PURGE http://host/" + path + " HTTP/1.1\r\n", 65'536));
  CHECK(passes("{\"" + path + " HTTP/1.1\":1}\n", 65'536));
}

}  // namespace

int main() {
  the_answer_does_not_depend_on_the_cut();
  a_request_of_any_length_is_one();
  return dcp::test::failures != 0;
}
