// Compiled modules, kept for whoever asks again: in a folder, which all evaluators of this user share, or in memory.
//
// Each file is verified when this process first opens it; one that is torn is removed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "cache/folder.hpp"
#include "compiler/protocol.hpp"
#include "ipc/descriptor.hpp"

namespace dcp::compiler {

class ModuleCache {
 public:
  /// `folder`: made where it is missing; empty: memory only. `limit`: bytes that all files may take together.
  ModuleCache(std::string folder, std::uint64_t limit);

  /// Why it keeps modules in memory only although a folder was given; empty: it does not.
  const std::string& refusal() const { return folder_.refusal(); }

  /// The `attempt`-th module with this key, open for reading; empty when there are no more.
  ipc::Descriptor candidate(const Key& key, std::uint64_t attempt);
  /// The file of exactly this module; empty when there is none.
  ipc::Descriptor find(const Key& key, std::span<const std::byte> wasm);
  /// The right to compile what has this key, which one process of those that share the folder has at a time, as long as
  /// it keeps the descriptor; nothing while another has it. Its owner may find() that the other has done the work.
  std::optional<ipc::Descriptor> claim(const Key& key);
  /// Keeps the code of a module and returns its file. What cannot be kept is still returned. Throws std::system_error.
  ipc::Descriptor put(const Key& key, std::span<const std::byte> code, std::span<const std::byte> wasm);

 private:
  using FileId = std::array<std::uint64_t, 3>;  // device, inode, size
  struct InMemory {
    Key key;
    ipc::Descriptor file;
    std::uint64_t size;
  };

  ipc::Descriptor open_variant(const Key& key, std::uint64_t variant);
  ipc::Descriptor remember(const Key& key, ipc::Descriptor file);
  std::uint64_t free_variant(const Key& key) const;

  cache::Folder folder_;
  std::uint64_t limit_;
  std::set<FileId> verified_;
  std::deque<InMemory> memory_;  ///< the one used last comes first
};

}  // namespace dcp::compiler
