// What a sandbox and the compiler say to each other over a Unix seqpacket socket. A sandbox has one socket, and one
// request open at most.
//
//   evaluator -> compiler, on the control socket
//     'c' + number + one descriptor   the socket of the sandbox with this number, of 8 bytes; it ends an earlier one
//
//   sandbox -> compiler
//     'L' + Lookup             has this module been compiled before?
//     'C' + one descriptor     compile: a memfd with the module, without holes, sealed against writing, growing and
//                              shrinking
//
//   compiler -> sandbox
//     'M' + one descriptor     a module file (module_file.hpp), open for reading
//     'N'                      to 'L': no
//     'E' + text               to 'C': the module is not valid or exceeds a limit; the message of a CompileError
//     'F' + text               to 'C': it cannot be compiled now, which is no fault of the module's
//
// The compiler trusts nothing that a sandbox sends. A look-up that lies gets code that only the liar would run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cache/word_hash.hpp"

namespace dcp::compiler {

enum Message : char { kLookup = 'L', kCompile = 'C', kModule = 'M', kNone = 'N', kInvalid = 'E', kFailed = 'F' };

/// What compiled code is looked up by. Modules with equal keys are told apart by their bytes.
struct Key {
  std::uint64_t settings;  ///< wasmtime::fingerprint of the engine
  std::uint64_t content;   ///< cache::content_key of the module

  bool operator==(const Key&) const = default;
};

struct Lookup {
  Key key;
  std::uint64_t attempt;  ///< 0, 1, ...: which of the modules with this key
};

/// Bytes of a request or an answer, descriptors apart.
inline constexpr std::size_t kLongestMessage = 8192;

}  // namespace dcp::compiler
