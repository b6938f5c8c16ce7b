// Compiled scripts, kept for the next start: compiling DCP's own start-up files takes most of a second.
//
// Only scripts that are trusted are kept, and only by the zygote, in which nothing else runs: no sandbox has a path to
// the folder. A file has the script's name and source, which are compared, and a checksum over the code, which is not
// verified otherwise. A file that does not fit, is torn or cannot be written only costs time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/folder.hpp"
#include "engine/engine.hpp"

namespace dcp::runtime {

class ScriptCache {
 public:
  /// See cache::Folder; `folder` may be empty.
  ScriptCache(engine::Engine& engine, const std::string& folder, std::uint64_t limit);

  const std::string& refusal() const { return folder_.refusal(); }

  /// Compiles a classic script, or takes it from the folder. `source` has a zero behind it and outlives the engine.
  /// Throws engine::Thrown.
  engine::Value compile(std::string_view source, const std::string& name);

  /// Where the engine compiles functions when they are first called: keeps the scripts that were compiled, now that
  /// they have run.
  void keep_fresh();

 private:
  struct Fresh {
    std::string file;
    std::string_view source;
    std::string name;
    engine::Ref script;
  };
  std::string file_of(std::string_view source, const std::string& name) const;
  std::optional<engine::Value> find(const std::string& file, std::string_view source, const std::string& name);
  void keep(const std::string& file, std::string_view source, const std::string& name, engine::Value script);

  engine::Engine& engine_;
  cache::Folder folder_;
  std::string format_;
  std::vector<Fresh> fresh_;
};

}  // namespace dcp::runtime
