// The native ops under runtime/js/webgpu*.js.
//
// ops.gpuConnect()                         null, or a reason: no GPU host. Then gpuMemory() gives the rings
// ops.gpuMemory()                          [command ring, reply ring, scratch] as ArrayBuffers
// ops.gpuCursor()                          the command ring's cursor (engine/recorder_support.hpp), as an ArrayBuffer
// ops.gpuRecorder(method, plan)            a method that records its calls there; absent where the engine has none
// ops.gpuFlush(position)                   publishes commands
// ops.gpuCommandsRead(), gpuWaitForRoom(read)  position of the host's reader; waits until it has moved
// ops.gpuReplyPosition(), gpuFinishReplies(position)  where replies end; gives them back, true when none are left
// ops.gpuText(word, bytes)                 a string from the reply ring
// ops.gpuEncode(string, position)          UTF-8: up to kScratchBytes go to the scratch buffer, more to the heap, whose
//                                          offset the scratch's first word then tells. The length in bytes; -1: no room
// ops.gpuBufferSize(source)                bytes of an ArrayBuffer or view, -1: it is none
// ops.gpuElementSize(source)               1 except for typed arrays
// ops.gpuStage(source, offset, size, position)  a heap offset with the bytes, freed once the host has read; -1: no room
// ops.gpuAllocate(size, zero, position)    a heap block, zeroed if asked; -1: no room
// ops.gpuView(block, offset, size)         an ArrayBuffer over part of a block; keeps the block
// ops.gpuDetach(arrayBuffer)
// ops.gpuRelease(block), gpuReleaseAfter(block, position)  now, or once the host has read up to there
// ops.gpuPending(delta)                    promises that wait for the host
// ops.gpuBusyTime()                        milliseconds that the GPU has worked for this sandbox
#pragma once

#include <functional>
#include <string>

#include "runtime/runtime.hpp"

namespace dcp::gpu {

/// Asks the owner of the sandbox for a GPU host: a connected socket, or -1 and a reason.
using RequestHost = std::function<int(std::string& reason)>;

/// Adds the ops; may be called before fork(). The connection is made at the first ops.gpuConnect(). Calls the hooks
/// runtime.onGpuReplies() and runtime.onGpuLost().
void install(runtime::Runtime& runtime, RequestHost request_host);

}  // namespace dcp::gpu
