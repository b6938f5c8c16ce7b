// Compiled modules, kept for whoever asks again: in a folder, which all evaluators of this user share, or in memory
// where there is no folder or it does not take them.
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
#include <vector>

#include "cache/folder.hpp"
#include "compiler/protocol.hpp"
#include "digest/sha256.hpp"
#include "ipc/descriptor.hpp"

namespace dcp::compiler {

class ModuleCache {
 public:
  /// `folder`: made where it is missing; empty: memory only. `limit`: bytes that all files may take together.
  ModuleCache(const std::string& folder, std::uint64_t limit);

  /// Why it keeps modules in memory only although a folder was given; empty: it does not.
  const std::string& refusal() const { return folder_.refusal(); }

  /// The `attempt`-th module with this key, open for reading; empty when there are no more. May read all of a file.
  ipc::Descriptor candidate(const Key& key, std::uint64_t attempt);
  /// The same at once; nothing where a file has to be read before.
  std::optional<ipc::Descriptor> candidate_at_once(const Key& key, std::uint64_t attempt);
  /// The file of exactly this module; empty when there is none. Reads all of the file.
  ipc::Descriptor find(const Key& key, std::span<const std::byte> wasm);
  /// The right to compile the module with this digest, which one process of those that share the folder has at a time,
  /// as long as it keeps the descriptor; nothing while another has it. Its owner may then find() that the other has
  /// done the work.
  std::optional<ipc::Descriptor> claim(const Key& key, const digest::Digest& module);
  /// Keeps the code of a module in the folder, if that takes it, and returns its file. Takes long. Throws
  /// std::system_error.
  ipc::Descriptor put(const Key& key, std::span<const std::byte> code, std::span<const std::byte> wasm);

  /// What another process, a fork of this one, has found or made: this one now knows that it is whole, and keeps it
  /// where the folder does not.
  void learn(const Key& key, const ipc::Descriptor& file);
  /// What such a process needs to look for this key.
  std::vector<int> descriptors(const Key& key) const;

 private:
  using FileId = std::array<std::uint64_t, 3>;  // device, inode, size
  struct InMemory {
    Key key;
    ipc::Descriptor file;
    std::uint64_t size;
  };

  std::optional<ipc::Descriptor> open_variant(const Key& key, std::uint64_t variant, bool at_once);
  std::optional<ipc::Descriptor> look(const Key& key, std::uint64_t attempt, bool at_once);
  std::optional<ipc::Descriptor> turn_to_write(const Key& key) const;
  std::uint64_t free_variant(const Key& key) const;

  cache::Folder folder_;
  std::uint64_t limit_;
  std::set<FileId> verified_;
  std::deque<InMemory> memory_;  ///< the one used last comes first
};

}  // namespace dcp::compiler
