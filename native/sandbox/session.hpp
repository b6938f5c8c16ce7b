// What a sandbox says to its peer and hears from it: one subclass a protocol.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "runtime/runtime.hpp"

namespace dcp::sandbox {

class Session {
 public:
  virtual ~Session() = default;

  /// Called in the zygote: adds the ops that the runtime's JavaScript needs.
  virtual void install(runtime::Runtime& runtime) = 0;
  /// A start-up file failed in the zygote, with this text.
  virtual void load_failed(const std::string& text) = 0;
  /// Called in the child: attaches the channel and tells the peer what there is to tell.
  virtual void begin(int in, int out) = 0;
  /// After each turn of the event loop, microtasks included.
  virtual void end_turn() {}
  /// An exception that no JavaScript caught.
  virtual void uncaught(engine::Value error) = 0;
  /// A promise rejection that nobody handles.
  virtual void unhandled_rejection(engine::Value reason) = 0;
  /// Nothing can happen any more unless the peer sends something.
  virtual void idle() {}
  /// The engine has no memory left and can say so to no JavaScript: tells the peer and ends the process.
  [[noreturn]] virtual void out_of_memory() = 0;
  /// The last call, after the event loop has stopped.
  virtual void end() {}

  int exit_status() const { return exit_status_; }

 protected:
  int exit_status_ = 0;
};

std::unique_ptr<Session> make_line_session();
/// `credit`: bytes of shared memory that it may send ahead of its peer.
std::unique_ptr<Session> make_frame_session(std::size_t credit);

/// "Name: message", then the lines of the stack.
std::string error_report(const engine::Engine::ErrorText& error);

}  // namespace dcp::sandbox
