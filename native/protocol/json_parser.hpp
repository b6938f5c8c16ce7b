// The grammar of JSON (RFC 8259), without recursion. A handler reads strings, and is told what is found:
//   read(json, place) -> StringLiteral
//   value_begins(place), value_ended(place)
//   begin('[' or '{'), end(), key(literal), string(literal), number(text, whole, place), constant(its first letter)
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "json_strings.hpp"

namespace dcp::protocol {

template <typename Handler>
class JsonParser {
 public:
  JsonParser(std::string_view json, std::size_t depth, Handler& handler)
      : json_(json), depth_(depth), handler_(handler) {}

  /// Throws invalid_argument, with the place, where the text breaks the grammar or is nested deeper than `depth`.
  void parse() {
    value();
    while (!open_.empty()) next();
    skip_space();
    if (at_ < json_.size()) refuse_json(at_, "something follows the value");
  }

 private:
  char peek() {
    skip_space();
    if (at_ == json_.size()) refuse_json(at_, "the text ends too early");
    return json_[at_];
  }

  void skip_space() {
    while (at_ < json_.size() && (json_[at_] == ' ' || json_[at_] == '\n' || json_[at_] == '\r' || json_[at_] == '\t'))
      ++at_;
  }

  /// The next element or member of what was opened last, or its end.
  void next() {
    const bool is_object = open_.back() == '{';
    const char closing = is_object ? '}' : ']';
    const char character = peek();
    if (character == closing) return close();
    if (!first_) {
      if (character != ',') refuse_json(at_, is_object ? "neither , nor }" : "neither , nor ]");
      ++at_;
    }
    first_ = false;
    if (is_object) {
      if (peek() != '"') refuse_json(at_, "a key in quotes is missing");
      handler_.key(literal());
      if (peek() != ':') refuse_json(at_, "the : after a key is missing");
      ++at_;
    }
    value();
  }

  void value() {
    const char character = peek();
    handler_.value_begins(at_);
    switch (character) {
      case '{':
      case '[':
        return open(character);
      case '"':
        handler_.string(literal());
        break;
      case 't':
        constant("true");
        break;
      case 'f':
        constant("false");
        break;
      case 'n':
        constant("null");
        break;
      default:
        number();
    }
    handler_.value_ended(at_);
  }

  void open(char bracket) {
    if (open_.size() == depth_) refuse_json(at_, "nested deeper than " + std::to_string(depth_));
    ++at_;
    open_.push_back(bracket);
    first_ = true;
    handler_.begin(bracket);
  }

  void close() {
    ++at_;
    open_.pop_back();
    first_ = false;
    handler_.end();
    handler_.value_ended(at_);
  }

  StringLiteral literal() {
    StringLiteral found = handler_.read(json_, at_ + 1);
    at_ += found.inside.size() + 2;
    return found;
  }

  void constant(std::string_view name) {
    if (json_.substr(at_, name.size()) != name) refuse_json(at_, "no value of JSON");
    at_ += name.size();
    handler_.constant(name[0]);
  }

  void number() {
    const std::size_t begin = at_;
    if (is('-')) ++at_;
    if (is('0'))
      ++at_;
    else
      digits(begin);
    bool whole = true;
    if (is('.')) {
      ++at_;
      whole = false;
      digits(begin);
    }
    if (is('e') || is('E')) {
      ++at_;
      whole = false;
      if (is('+') || is('-')) ++at_;
      digits(begin);
    }
    handler_.number(json_.substr(begin, at_ - begin), whole, begin);
  }

  bool is(char character) const { return at_ < json_.size() && json_[at_] == character; }

  void digits(std::size_t begin) {
    const std::size_t first = at_;
    while (at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9') ++at_;
    if (at_ == first) refuse_json(begin, "no value of JSON");
  }

  std::string_view json_;
  std::size_t depth_;
  Handler& handler_;
  std::size_t at_ = 0;
  /// The brackets that are open.
  std::string open_;
  /// Whether nothing stands after the last one yet.
  bool first_ = true;
};

}  // namespace dcp::protocol
