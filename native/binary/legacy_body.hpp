// Rewrites one function body with legacy exception handling instructions.
#pragma once

#include "binary/signatures.hpp"

namespace dcp::binary {

/// Appends to `out` the body, with its size, where `try` has become `try_table`. Block types that it needs are added to
/// `block_types`. `function`: the body's function. False: the body is malformed, and `out` has to be thrown away.
bool rewrite_legacy_body(std::span<const std::byte> body, const Signature& function, const Signatures& signatures,
                         BlockTypes& block_types, Writer& out);

}  // namespace dcp::binary
