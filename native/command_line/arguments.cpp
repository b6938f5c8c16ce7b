#include "command_line/arguments.hpp"

#include <charconv>

namespace dcp::command_line {

Arguments::Arguments(std::string_view program, std::string_view usage, int count, char** values)
    : program_(program), usage_(usage), count_(count), values_(values) {}

bool Arguments::next() {
  if (++at_ >= count_) return false;
  current_ = values_[at_];
  if (current_ == "--" && !only_files_) {
    only_files_ = true;
    return next();
  }
  is_file_ = only_files_ || !current_.starts_with('-');
  return true;
}

std::string_view Arguments::value() {
  if (at_ + 1 >= count_) wrong(std::string(current_) + " needs a value");
  return values_[++at_];
}

std::uint64_t Arguments::number(std::uint64_t least, std::uint64_t most) {
  const std::string_view text = value();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
    wrong(std::string(current_) + " needs a number from " + std::to_string(least) + " to " + std::to_string(most) +
          ", not '" + std::string(text) + "'");
  }
  return number;
}

void Arguments::refuse() const { wrong("unknown option '" + std::string(current_) + "'"); }

void Arguments::wrong(std::string_view complaint) const {
  throw UsageError(std::string(program_) + ": " + std::string(complaint) + "\n" + std::string(usage_));
}

}  // namespace dcp::command_line
