// Options with and without values, files, and what is said of wrong ones.
#include <optional>
#include <string>
#include <vector>

#include "check.hpp"
#include "command_line/arguments.hpp"

using dcp::command_line::Arguments;
using dcp::command_line::UsageError;

namespace {

std::optional<bool> yes_or_no(std::string_view text) {
  if (text == "yes") return true;
  if (text == "no") return false;
  return std::nullopt;
}

/// What was read, in order; or the complaint's first line.
std::string read(std::vector<std::string> values) {
  std::vector<char*> pointers{nullptr};
  for (std::string& value : values) pointers.push_back(value.data());
  std::string found;
  try {
    Arguments arguments("program", "usage: program", static_cast<int>(pointers.size()), pointers.data());
    while (arguments.next()) {
      if (arguments.is_file()) {
        found += "file " + std::string(arguments.current()) + ";";
      } else if (arguments.is("--number")) {
        found += std::to_string(arguments.number(2, 10)) + ";";
      } else if (arguments.is("--really")) {
        found += arguments.parsed(yes_or_no, "yes or no") ? "yes;" : "no;";
      } else if (arguments.is("--text")) {
        found += std::string(arguments.value()) + ";";
      } else {
        arguments.refuse();
      }
    }
  } catch (const UsageError& error) {
    const std::string text = error.what();
    CHECK(text.ends_with("\nusage: program"));
    return text.substr(0, text.find('\n'));
  }
  return found;
}

}  // namespace

int main() {
  CHECK(read({}).empty());
  CHECK(read({"--number", "2", "a", "--really", "no", "", "--number", "10"}) == "2;file a;no;file ;10;");
  CHECK(read({"--text", "--number", "--", "--number", "--"}) == "--number;file --number;file --;");
  CHECK(read({"--number"}) == "program: --number needs a value");
  for (const char* wrong : {"1", "11", "-3", "3x", "", "99999999999999999999"}) {
    CHECK(read({"--number", wrong}) ==
          "program: --number needs a number from 2 to 10, not '" + std::string(wrong) + "'");
  }
  CHECK(read({"--really", "maybe"}) == "program: --really is yes or no, not 'maybe'");
  CHECK(read({"--other"}) == "program: unknown option '--other'");
  return dcp::test::failures;
}
