#include "binary/string_imports.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "binary/externs.hpp"
#include "binary/instructions.hpp"
#include "binary/sections.hpp"

namespace dcp::binary {

namespace {

constexpr std::string_view kBuiltinModule = "wasm:js-string";

// Types as letters. i: i32, e: externref, s: (ref extern), a: (ref null (array (mut i16))), ?: every other one.
struct Builtin {
  std::string_view name;
  std::string_view type;
};

constexpr Builtin kBuiltins[] = {
    {"cast", "e:s"},         {"test", "e:i"},          {"fromCharCodeArray", "aii:s"}, {"intoCharCodeArray", "eai:i"},
    {"fromCharCode", "i:s"}, {"fromCodePoint", "i:s"}, {"charCodeAt", "ei:i"},         {"codePointAt", "ei:i"},
    {"length", "e:i"},       {"concat", "ee:s"},       {"substring", "eii:s"},         {"equals", "ee:i"},
    {"compare", "ee:i"},
};

enum ValueTypeForm : std::uint8_t { kI32 = 0x7F, kI16 = 0x77, kExternref = 0x6F, kNullable = 0x63, kNonNull = 0x64 };
constexpr std::int64_t kExternHeapType = -17;

// LEB128 of a signed number of 33 bits.
std::int64_t heap_type(Reader& reader) {
  std::int64_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    const std::uint8_t next = reader.byte();
    value |= static_cast<std::int64_t>(next & 0x7F) << shift;
    if ((next & 0x80) != 0) continue;
    return (next & 0x40) != 0 ? value - (std::int64_t{1} << (shift + 7)) : value;
  }
  reader.fail();
  return 0;
}

// A type is equal to that of a builtin only if it is alone in its recursive group, final and without supertypes.
class Types {
 public:
  void read(Reader section) {
    for (std::uint32_t left = section.number(); left > 0 && !section.failed(); --left) {
      if (section.rest().empty() || section.rest()[0] != std::byte{kRecursiveGroup}) {
        read_type(section, true);
        continue;
      }
      section.byte();
      const std::uint32_t size = section.number();
      for (std::uint32_t i = 0; i < size && !section.failed(); ++i) read_type(section, size == 1);
    }
  }

  std::string_view function(std::uint32_t index) const {
    return index < types_.size() ? std::string_view(types_[index]) : std::string_view("?");
  }

  char value_type(Reader& reader) const {
    if (reader.rest().empty()) {
      reader.fail();
      return '?';
    }
    const auto form = static_cast<std::uint8_t>(reader.rest()[0]);
    if (form != kNullable && form != kNonNull) {
      skip_value_type(reader);
      return form == kI32 ? 'i' : form == kExternref ? 'e' : '?';
    }
    reader.byte();
    const std::int64_t heap = heap_type(reader);
    if (heap == kExternHeapType) return form == kNullable ? 'e' : 's';
    const bool is_units = heap >= 0 && function(static_cast<std::uint32_t>(heap)) == "[i16]";
    return form == kNullable && is_units ? 'a' : '?';
  }

 private:
  void read_type(Reader& section, bool alone) {
    std::uint8_t form = section.byte();
    if (form == kSubType || form == kFinalSubType) {
      const std::uint32_t supers = section.number();
      for (std::uint32_t i = 0; i < supers && !section.failed(); ++i) section.number();
      alone = alone && form == kFinalSubType && supers == 0;
      form = section.byte();
    }
    std::string text = composite(section, form);
    types_.push_back(alone ? std::move(text) : "?");
  }

  std::string composite(Reader& section, std::uint8_t form) const {
    std::string text;
    if (form == kFunctionType) {
      value_types(section, text);
      text += ':';
      value_types(section, text);
    } else if (form == kArrayType) {
      const bool is_i16 = !section.rest().empty() && section.rest()[0] == std::byte{kI16};
      skip_value_type(section);
      text = section.byte() == 1 && is_i16 ? "[i16]" : "?";
    } else if (form == kStructType) {
      for (std::uint32_t left = section.number(); left > 0 && !section.failed(); --left) {
        skip_value_type(section);
        section.byte();
      }
      text = "?";
    } else {
      section.fail();
    }
    return text;
  }

  void value_types(Reader& section, std::string& text) const {
    constexpr std::size_t longest = 8;  // more than any builtin's: what comes after it need not be told
    for (std::uint32_t left = section.number(); left > 0 && !section.failed(); --left) {
      const char letter = value_type(section);
      if (text.size() < longest) text += letter;
    }
  }

  std::vector<std::string> types_;
};

// What an import wants, in the letters of kBuiltins; a constant global as its letter alone.
std::string import_type(Reader& section, const Types& types) {
  switch (section.byte()) {
    case kFunction:
      return std::string(types.function(section.number()));
    case kTable:
      skip_value_type(section);
      read_limits(section);
      return "?";
    case kMemory:
      read_limits(section);
      return "?";
    case kGlobal: {
      const char letter = types.value_type(section);
      return section.byte() == 0 ? std::string(1, letter) : "?";
    }
    case kTag:
      section.byte();
      section.number();
      return "?";
    default:
      section.fail();
      return "?";
  }
}

std::string check(std::string_view module, std::string_view name, std::string_view type,
                  const StringImports& provided) {
  if (provided.constants && module == *provided.constants) {
    if (type == "e" || type == "s") return {};
    return "a string constant is imported as something else than an immutable global of type externref";
  }
  if (!provided.builtins || module != kBuiltinModule) return {};
  const auto* known = std::ranges::find(kBuiltins, name, &Builtin::name);
  if (known == std::end(kBuiltins) || known->type == type) return {};
  return "the builtin " + std::string(module) + "." + std::string(name) + " is imported with a wrong type";
}

}  // namespace

std::string mismatched_import(std::span<const std::byte> module, const StringImports& provided) {
  Types types;
  std::string found;
  Reader reader(module);
  reader.take(kHeaderSize);
  while (const auto section = next_section(reader)) {
    if (section->id == kTypeSection) types.read(Reader(section->content));
    if (section->id != kImportSection) continue;
    Reader imports(section->content);
    for (std::uint32_t left = imports.number(); left > 0 && !imports.failed() && found.empty(); --left) {
      const std::string_view from = imports.name();
      const std::string_view name = imports.name();
      const std::string type = import_type(imports, types);
      found = check(from, name, type, provided);
    }
    if (imports.failed()) return "the imports are not understood";
  }
  return found;
}

}  // namespace dcp::binary
