// A folder of files that can be made again, which this user alone may write to: whoever else could would choose what
// the evaluator runs. All evaluators of the user share it.
//
// A file is written under another name and renamed, so that under its own name it is whole or not there; after a crash
// of the machine it may be torn, which its reader must notice. Beyond the limit, those go that were used longest ago.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ipc/descriptor.hpp"

namespace dcp::cache {

/// What the file system below a folder has to allow.
enum class Use { read, execute };

class Folder {
 public:
  /// `path`: made where it is missing; empty: no folder. `limit`: bytes that all files may take together.
  Folder(std::string path, std::uint64_t limit, Use use = Use::read);

  /// Whether there is one that can be used.
  explicit operator bool() const { return !path_.empty(); }
  /// Why a path that was given is not used; empty: it is.
  const std::string& refusal() const { return refusal_; }

  /// Opens a file for reading and marks it as used now. Empty where there is none, or one of somebody else.
  ipc::Descriptor open(const std::string& name) const;
  bool has(const std::string& name) const;
  void remove(const std::string& name) const;
  /// Keeps what `write` writes to the descriptor under this name, whatever was there. False where it cannot be: a full
  /// disk, say. `write` may throw std::system_error.
  bool put(const std::string& name, const std::function<void(int fd)>& write, bool flush);
  /// An exclusive lock with this name, held as long as the descriptor; nothing while another process has it. Empty
  /// where there can be none.
  std::optional<ipc::Descriptor> lock(const std::string& name) const;

 private:
  void prepare(Use use);
  void remove_leftovers() const;
  void shrink() const;
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  std::string path_;
  std::uint64_t limit_;
  std::string refusal_;
  unsigned counter_ = 0;
};

}  // namespace dcp::cache
