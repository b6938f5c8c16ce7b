// The command line of one of our programs: options, some with a value behind them, and files.
//
//   for (Arguments arguments("dcp-x", usage, count, values); arguments.next();) {
//     if (arguments.is("--limit")) limit = arguments.number(0, 100);
//     else arguments.refuse();
//   }
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace dcp::command_line {

/// The command line is wrong; the text names the program, the option and the remedy.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Arguments {
 public:
  /// `usage` ends each complaint; both texts must live as long as this.
  Arguments(std::string_view program, std::string_view usage, int count, char** values);

  /// Goes on to the next option or file; false at the end. What comes after "--" are files.
  bool next();
  bool is_file() const { return is_file_; }
  bool is(std::string_view option) const { return !is_file_ && current_ == option; }
  std::string_view current() const { return current_; }

  // The value of the current option. These throw UsageError where there is none, or another one than is wanted.
  std::string_view value();
  std::uint64_t number(std::uint64_t least, std::uint64_t most);
  /// What `parse` makes of it: an optional, empty where the text is not `wanted` ("red, green or blue").
  template <typename Parse>
  auto parsed(Parse parse, std::string_view wanted) {
    const std::string_view text = value();
    const auto result = parse(text);
    if (!result) wrong(std::string(current_) + " is " + std::string(wanted) + ", not '" + std::string(text) + "'");
    return *result;
  }

  /// The program knows no such option.
  [[noreturn]] void refuse() const;
  [[noreturn]] void wrong(std::string_view complaint) const;

 private:
  std::string_view program_, usage_;
  int count_;
  char** values_;
  int at_ = 0;
  std::string_view current_;
  bool is_file_ = false, only_files_ = false;
};

}  // namespace dcp::command_line
