// A folder of files that can be made again, which this user alone may write to: whoever else could would choose what
// the evaluator runs. All evaluators of the user share it. It is held by its descriptor, so that it stays the same
// folder whatever becomes of its path.
//
// A file is written under another name and renamed, so that under its own name it is whole or not there; after a crash
// of the machine it may be torn, which its reader must notice. Beyond the limit, those go that were used longest ago.
// Their names are those of make_name(); whatever has another name is not ours and stays.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ipc/descriptor.hpp"

namespace dcp::cache {

/// What the file system below a folder has to allow.
enum class Use { read, execute };

/// The name of a file with these keys; where several may have the same keys, which of them.
std::string make_name(std::uint64_t first, std::uint64_t second, std::optional<unsigned> variant = {});

class Folder {
 public:
  /// `path`: absolute, made where it is missing; empty: no folder. `limit`: bytes that all files may take together.
  Folder(const std::string& path, std::uint64_t limit, Use use = Use::read);

  /// Whether there is one that can be used.
  explicit operator bool() const { return static_cast<bool>(folder_); }
  /// Why a path that was given is not used, and what helps; empty: it is.
  const std::string& refusal() const { return refusal_; }
  int descriptor() const { return folder_.get(); }

  /// Opens a file for reading and marks it as used now. Empty where there is none, or one of somebody else.
  ipc::Descriptor open(const std::string& name) const;
  bool has(const std::string& name) const;
  void remove(const std::string& name) const;
  /// Keeps what `write` writes to the descriptor under this name, whatever was there: `size` bytes, for which room is
  /// made before. False where it cannot be: a full disk, say, or more than half of the limit, since one file is not to
  /// drive out all others. `write` may throw std::system_error.
  bool put(const std::string& name, std::uint64_t size, const std::function<void(int fd)>& write, bool flush);
  /// An exclusive lock with this name, held as long as the descriptor; nothing while another process has it. Empty
  /// where there can be none.
  std::optional<ipc::Descriptor> lock(const std::string& name) const;

 private:
  void check(const std::string& path, Use use);
  void remove_leftovers() const;
  void make_room(std::uint64_t size) const;

  ipc::Descriptor folder_;
  std::uint64_t limit_;
  std::string refusal_;
  unsigned counter_ = 0;
};

}  // namespace dcp::cache
