// The shared memory between a sandbox and its GPU host, and the grammar of what travels there.
//
// The host makes one sealed memfd (its size can never change) and two eventfds, and sends the three over its socket
// with a Hello. The socket says nothing more; its end of file tells each side that the other is gone.
//
//   offset 0         Header
//   kRingsOffset     command ring (kCommandWords words), reply ring (kReplyWords words)
//   kHeapOffset      data heap: large strings, writeBuffer's data, mapped ranges; the sandbox allocates in it
//
// Rings hold 32-bit words. Positions count words since the start, modulo 2^32; the word at position p lies at index
// p mod the ring's size (a power of two). The writer alone moves `write`, the reader alone moves `read`.
//
//   message  = header word, payload        header = type << 20 | words of the message, the header included
//   pad      = header of type 0            fills the end of a ring: a message never wraps
//   u64, f64 = low word, high word
//   string   = length in bytes, UTF-8 in words | length | 0x80000000, offset in the heap (u32)
//   sequence = count, items                optional = 0 | 1, value
//   object   = id                          enum = index of the value in the IDL
//
// A command's payload is: id of the object it is called on, id of the object that it makes if it makes one, arguments
// (dictionary members in the order of WebIDL). Ids are chosen by the sandbox, never 0, never used twice. Opcodes and
// layouts come from native/codegen: webgpu.idl has those of most commands, layouts.py those of the others and of
// replies.
//
// Everything in this memory can change at any time: the host copies a command before it looks at it.
//
// Sleeping. A reader sets its `asleep` word, looks at the ring once more, and only then waits on its eventfd; a writer
// that finds `asleep` set clears it and signals. A writer that waits for room does the same with `wants_room`. Before
// it sleeps a reader looks again and again for a moment, where that has paid lately (ipc/patience.hpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace dcp::gpu {

constexpr std::uint32_t kMagic = 0x47504344;  // "DCPG"
constexpr std::uint32_t kWireVersion = 4;
constexpr std::uint32_t kCommandWords = 1u << 18;
constexpr std::uint32_t kReplyWords = 1u << 16;
constexpr std::uint32_t kLargestCommand = kCommandWords / 2;
constexpr std::uint32_t kLargestReply = kReplyWords / 2;
constexpr std::uint64_t kRingsOffset = 4096;
constexpr std::uint64_t kRepliesOffset = kRingsOffset + kCommandWords * sizeof(std::uint32_t);
constexpr std::uint64_t kHeapOffset = kRepliesOffset + kReplyWords * sizeof(std::uint32_t);
constexpr std::uint64_t kHeapSize = 512u << 20;      // unless the host's owner wants another size
constexpr std::uint64_t kSmallestHeap = 64u << 20;   // one part of a writeBuffer
constexpr std::uint64_t kLargestHeap = 2048u << 20;  // offsets of strings have 32 bits
constexpr std::uint32_t kStringInHeap = 0x80000000u;

constexpr std::uint32_t message_header(std::uint32_t type, std::uint32_t words) { return type << 20 | words; }
constexpr std::uint32_t message_type(std::uint32_t header) { return header >> 20; }
constexpr std::uint32_t message_words(std::uint32_t header) { return header & 0xFFFFFu; }

constexpr std::uint32_t kSubmission = 0, kTimestamps = 1;

struct alignas(64) RingState {
  std::atomic<std::uint32_t> write;
  alignas(64) std::atomic<std::uint32_t> read;
  std::atomic<std::uint32_t> asleep;      ///< the reader waits for a message
  std::atomic<std::uint32_t> wants_room;  ///< the writer waits for room
};

struct Header {
  std::uint32_t magic;
  std::uint32_t version;
  RingState commands;
  RingState replies;
  alignas(64) std::atomic<std::uint64_t> busy_ns;  ///< time with work submitted and not complete
  std::atomic<std::uint64_t> busy_since_ns;        ///< CLOCK_MONOTONIC at which such a time began, 0: idle
  std::atomic<std::uint64_t> gpu_ns;               ///< by timestamps, where gpu_clock says so
  std::atomic<std::uint32_t> gpu_clock;            ///< kSubmission: busy_ns is the GPU time; kTimestamps: gpu_ns
  std::atomic<std::uint64_t> bytes_up;             ///< to the GPU: writeBuffer, mappings that were written
  std::atomic<std::uint64_t> bytes_down;           ///< from the GPU: mappings that were read
  std::atomic<std::uint64_t> memory;               ///< bytes of buffers and textures now
  std::atomic<std::uint64_t> memory_peak;          ///< the most of them; the sandbox sets it back between slices
};
static_assert(sizeof(Header) <= kRingsOffset);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Sent once by the host, with the descriptors: region, event of commands, event of replies.
struct Hello {
  std::uint32_t magic = kMagic;
  std::uint32_t version = kWireVersion;
};

}  // namespace dcp::gpu
