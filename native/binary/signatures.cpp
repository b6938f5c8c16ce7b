#include "binary/signatures.hpp"

#include "binary/externs.hpp"
#include "binary/instructions.hpp"

namespace dcp::binary {

namespace {

// What the JavaScript API names as limits of implementations; wasmtime has the same.
constexpr std::uint32_t kMaxTypes = 1'000'000;
constexpr std::uint32_t kMaxValues = 1000;

// Bytes. Programs need some hundreds; a hostile module gets thousands out of each of its own.
constexpr std::size_t kMaxAddedTypes = std::size_t{1} << 24;

constexpr std::uint8_t kNoResult = 0x40;
constexpr std::uint8_t kExnref = 0x69;

std::span<const std::byte> read_since(const std::byte* first, const Reader& reader) {
  return {first, reader.position()};
}

ValueTypes read_value_types(Reader& section) {
  const std::uint32_t count = section.number();
  if (count > kMaxValues) section.fail();
  const std::byte* first = section.position();
  for (std::uint32_t i = 0; i < count && !section.failed(); ++i) skip_value_type(section);
  return {read_since(first, section), count};
}

void skip_field(Reader& section) {
  skip_value_type(section);
  section.byte();
}

template <typename Read>
void read_all(Reader& section, Read read) {
  const std::uint32_t count = section.number();
  for (std::uint32_t i = 0; i < count && !section.failed(); ++i) read();
}

}  // namespace

bool Signatures::read(const Section& section) {
  Reader content(section.content);
  switch (section.id) {
    case kTypeSection:
      read_types(content);
      break;
    case kImportSection:
      read_imports(content);
      break;
    case kFunctionSection:
      read_all(content, [&] { functions_.push_back(content.number()); });
      break;
    case kTagSection:
      read_all(content, [&] { read_tag(content); });
      break;
    default:
      break;
  }
  return !content.failed();
}

void Signatures::read_types(Reader& section) {
  read_all(section, [&] {
    if (section.rest().empty() || section.rest()[0] != std::byte{kRecursiveGroup}) return read_sub_type(section);
    section.byte();
    read_all(section, [&] { read_sub_type(section); });
  });
}

void Signatures::read_sub_type(Reader& section) {
  if (types_.size() == kMaxTypes) return section.fail();
  std::uint8_t form = section.byte();
  if (form == kSubType || form == kFinalSubType) {
    read_all(section, [&] { section.number(); });
    form = section.byte();
  }
  std::optional<Signature> signature;
  if (form == kFunctionType) {
    signature.emplace();
    signature->params = read_value_types(section);
    signature->results = read_value_types(section);
  } else if (form == kStructType) {
    read_all(section, [&] { skip_field(section); });
  } else if (form == kArrayType) {
    skip_field(section);
  } else {
    section.fail();
  }
  types_.push_back(signature);
}

void Signatures::read_imports(Reader& section) {
  read_all(section, [&] {
    section.take(section.number());
    section.take(section.number());
    switch (section.byte()) {
      case kFunction:
        return section.skip_number();
      case kTable:
        skip_value_type(section);
        return static_cast<void>(read_limits(section));
      case kMemory:
        return static_cast<void>(read_limits(section));
      case kGlobal:
        return skip_field(section);
      case kTag:
        return read_tag(section);
      default:
        return section.fail();
    }
  });
}

void Signatures::read_tag(Reader& section) {
  section.byte();
  tags_.push_back(section.number());
}

const Signature* Signatures::type(std::uint32_t index) const {
  return index < types_.size() && types_[index] ? &*types_[index] : nullptr;
}

const Signature* Signatures::function(std::uint32_t index) const {
  return index < functions_.size() ? type(functions_[index]) : nullptr;
}

const Signature* Signatures::tag(std::uint32_t index) const {
  return index < tags_.size() ? type(tags_[index]) : nullptr;
}

std::optional<Signature> Signatures::read_block_type(Reader& code) const {
  const std::byte* first = code.position();
  if (code.done()) return std::nullopt;
  const auto form = static_cast<std::uint8_t>(*first);
  // Of the one-byte forms, those with the sign bit of LEB128 are value types.
  if (form < 0x40 || form >= 0x80) {
    const Signature* declared = type(code.number());
    return declared == nullptr || code.failed() ? std::nullopt : std::optional(*declared);
  }
  skip_block_type(code);
  if (code.failed()) return std::nullopt;
  if (form == kNoResult) return Signature{};
  return Signature{{}, {read_since(first, code), 1}};
}

void BlockTypes::write(Writer& out, const ValueTypes& params, const ValueTypes& results, bool exception) {
  const std::uint32_t result_count = results.count + (exception ? 1 : 0);
  too_many_ = too_many_ || entries_.bytes().size() > kMaxAddedTypes;
  if (too_many_) return;
  if (params.count == 0 && result_count <= 1) {
    if (result_count == 0) return out.byte(kNoResult);
    return exception ? out.byte(kExnref) : out.raw(results.bytes);
  }
  Writer entry;
  entry.byte(kFunctionType);
  entry.number(params.count);
  entry.raw(params.bytes);
  entry.number(result_count);
  entry.raw(results.bytes);
  if (exception) entry.byte(kExnref);
  const std::string key(reinterpret_cast<const char*>(entry.bytes().data()), entry.bytes().size());
  const auto [found, is_new] = indices_.emplace(key, static_cast<std::uint32_t>(first_ + indices_.size()));
  if (is_new) entries_.raw(entry.bytes());
  out.type_index(found->second);
}

}  // namespace dcp::binary
