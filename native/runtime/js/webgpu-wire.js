// The sandbox's end of the rings that it shares with its GPU host (native/gpu/wire.hpp): commands out, replies in.
//
// Positions count words, modulo 2^32. Commands become visible to the host at flush(): at once where an answer is
// awaited or work was submitted, otherwise when the running task ends. Recorders (engine/recorder_support.hpp) write
// commands too, up to cursor[END]: as far as nothing but writing is to do.
(function (runtime) {
  "use strict";

  const { ops, gpu, primordials, DOMException } = runtime;
  const { ArrayPrototypePush, Float32Array, Float64Array, MathFloor, MathMin, SafeMap, TypedArrayPrototypeGetBuffer,
          TypedArrayPrototypeGetLength, TypedArrayPrototypeSet, TypedArrayPrototypeSubarray, Uint32Array } = primordials;

  const LONG_STRING = 0x80000000;
  const UNFLUSHED_WORDS = 1 << 14; // the host starts on a long list of commands before it is complete
  const WINDOW_BITS = 12;
  const WINDOW_WORDS = 1 << WINDOW_BITS;

  const wire = { __proto__: null, ring: null, connected: false, host: 0, settled: 0 };
  let ringWords = 0;
  let largestCommand = 0;
  let windows = []; // the ring in parts of WINDOW_WORDS
  let words = null; // where a command is put together that is not written into a window
  let replies = null;
  let scratch = null;
  const cursor = (gpu.cursor = new Uint32Array(ops.gpuCursor()));
  const POSITION = 0, END = 1; // where the next command starts; what recorders write ends there
  let published = 0;
  let read = 0; // how far the host has read, as far as known
  let replyPosition = 0;
  let flushing = false;

  /** Connects to a GPU host; null, or why there is none. */
  wire.connect = () => {
    if (wire.connected) return null;
    const reason = ops.gpuConnect();
    if (reason !== null) return reason;
    const memory = ops.gpuMemory();
    wire.ring = new Uint32Array(memory[0]);
    replies = new Uint32Array(memory[1]);
    scratch = new Uint32Array(memory[2]);
    ringWords = wire.ring.length;
    largestCommand = ringWords / 2;
    words = new Uint32Array(largestCommand);
    windows = [];
    for (let at = 0; at < ringWords; at += WINDOW_WORDS) {
      ArrayPrototypePush(windows, TypedArrayPrototypeSubarray(wire.ring, at, at + WINDOW_WORDS));
    }
    releasedCount = 0;
    cursor[POSITION] = cursor[END] = published = read = replyPosition = wire.settled = 0;
    wire.connected = true;
    ++wire.host;
    return null;
  };

  // --- Commands ---

  /** The upper word of a 64-bit integer; -1 stands for 2^64 - 1. */
  wire.high = (value) => value >>> 0 === value ? 0 : MathFloor(value / 0x100000000);

  function waitForRoom(words) {
    while (cursor[POSITION] + words - read >>> 0 > ringWords) {
      read = ops.gpuCommandsRead();
      if (cursor[POSITION] + words - read >>> 0 <= ringWords) return admitRecorders();
      publish();
      if (!ops.gpuWaitForRoom(read)) read = cursor[POSITION]; // the host is gone: what follows reaches nobody
    }
  }

  /** Recorders may write as long as flushSoon() is under way, no flush is due, and there is room. */
  function admitRecorders() {
    const position = cursor[POSITION];
    const unread = position - read >>> 0, unflushed = position - published >>> 0;
    cursor[END] = flushing ? position + MathMin(ringWords - unread, UNFLUSHED_WORDS - unflushed) : position;
  }

  /** The index in the ring at which a command of `words` words goes; commit(words) follows. */
  wire.reserve = (words) => {
    const index = cursor[POSITION] % ringWords;
    const padding = index + words > ringWords ? ringWords - index : 0;
    waitForRoom(words + padding);
    if (padding === 0) return index;
    wire.ring[index] = padding;
    cursor[POSITION] += padding;
    return 0;
  };

  wire.commit = (words) => {
    const position = (cursor[POSITION] += words);
    if (position - published >>> 0 > UNFLUSHED_WORDS) wire.flush();
    else if (!flushing) flushSoon();
  };

  function publish() {
    const position = cursor[POSITION];
    if (position === published) return;
    published = position;
    ops.gpuFlush(position);
    admitRecorders();
  }

  wire.flush = () => {
    if (releasedCount > 0) sendReleased();
    publish();
  };

  async function flushSoon() {
    flushing = true;
    admitRecorders();
    await undefined;
    flushing = false;
    cursor[END] = cursor[POSITION];
    if (wire.connected) wire.flush();
  }

  /** Where the next command will start: what its data is freed by. */
  wire.position = () => cursor[POSITION];

  /**
   * Sends a command whose length shows only when it is complete. `header` is that of a command of no words.
   * writer(w, n, ...) puts its words into `w` from index `n` on and returns the index after them. It writes into a window
   * of the ring; what lies beyond the end of a typed array is dropped, and the command then written once more, elsewhere.
   * (QuickJS checks at each use of a const whether it is initialized, and not of a var.)
   */
  wire.send = (header, writer, a, b, c, d, e, f) => {
    var position = cursor[POSITION];
    if (position + WINDOW_WORDS - read >>> 0 > ringWords) waitForRoom(WINDOW_WORDS);
    var start = position & WINDOW_WORDS - 1;
    var w = windows[position % ringWords >>> WINDOW_BITS];
    var end = writer(w, start + 1, a, b, c, d, e, f);
    if (end <= WINDOW_WORDS) {
      w[start] = header + (end - start);
      wire.commit(end - start);
    } else {
      sendLong(header, writer(words, 1, a, b, c, d, e, f));
    }
  };

  /** Sends what lies in `words`. */
  function sendLong(header, length) {
    if (length > largestCommand) throw new DOMException("too many items in one WebGPU call", "OperationError");
    words[0] = header + length;
    const at = wire.reserve(length);
    TypedArrayPrototypeSet(wire.ring, TypedArrayPrototypeSubarray(words, 0, length), at);
    wire.commit(length);
  }

  const floats = new Float32Array(1);
  const floatBits = new Uint32Array(TypedArrayPrototypeGetBuffer(floats));
  const doubles = new Float64Array(1);
  const doubleBits = new Uint32Array(TypedArrayPrototypeGetBuffer(doubles));

  /** The word of a float. */
  wire.bitsOf = (value) => {
    floats[0] = value;
    return floatBits[0];
  };
  wire.writeF64 = (w, n, value) => {
    doubles[0] = value;
    w[n] = doubleBits[0];
    w[n + 1] = doubleBits[1];
    return n + 2;
  };
  wire.writeString = (w, n, text) => {
    const size = text === "" ? 0 : ops.gpuEncode(text, cursor[POSITION]);
    if (size < 0) throw new DOMException("a string does not fit into the GPU host's memory", "OperationError");
    if (size > scratch.length * 4) {
      w[n++] = size + LONG_STRING;
      w[n++] = scratch[0];
      return n;
    }
    w[n++] = size;
    for (let i = 0; i * 4 < size; i++) w[n++] = scratch[i];
    return n;
  };
  /** `bytes`: a Uint8Array, of which the length is a multiple of 4. */
  wire.writeBytes = (w, n, bytes) => {
    const length = TypedArrayPrototypeGetLength(bytes);
    w[n++] = length;
    for (let i = 0; i < length; i += 4) {
      w[n++] = bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24;
    }
    return n;
  };
  /** `words`: a Uint32Array. */
  wire.writeWords = (w, n, words) => {
    const length = TypedArrayPrototypeGetLength(words);
    w[n++] = length;
    for (let i = 0; i < length; i++) w[n++] = words[i];
    return n;
  };
  wire.writeLimits = (w, n, limits, names) => {
    for (let i = 0; i < names.length; i++) {
      const value = limits[names[i]];
      w[n++] = value;
      w[n++] = wire.high(value);
    }
    return n;
  };

  /** Sends a command that has a request as its last field, which is awaited: see request(). */
  wire.ask = (command, object, answer, lost) => {
    command(object, wire.request(answer, lost));
    wire.flush();
  };

  /** Waits for the host to have come so far. */
  wire.ping = (done) => {
    gpu.commands.ping(wire.request(done, done));
    wire.flush();
  };

  // Objects that are collected, mostly many at a time, are told to the host in one command.
  const MOST_RELEASED = 256;
  const released = new Uint32Array(MOST_RELEASED);
  let releasedCount = 0;

  function sendReleased() {
    const ids = TypedArrayPrototypeSubarray(released, 0, releasedCount);
    releasedCount = 0;
    gpu.commands.release(ids);
  }

  /** Nobody can reach the object with this id any more. */
  wire.release = (id) => {
    if (!wire.connected) return;
    released[releasedCount++] = id;
    if (releasedCount === MOST_RELEASED) sendReleased();
    else if (!flushing) flushSoon();
  };

  // --- Replies ---

  const requests = new SafeMap(); // id -> { answer, lost }
  let lastRequest = 0;
  let at = 0;

  /** Reads the reply that is being handled, word by word. */
  const reader = {
    __proto__: null,
    from(index) {
      at = index;
      return reader;
    },
    u32: () => replies[at++],
    u64() {
      const low = replies[at++];
      return low + replies[at++] * 0x100000000;
    },
    string() {
      const size = replies[at++];
      const start = at;
      at += (size + 3) >>> 2;
      return size === 0 ? "" : ops.gpuText(start, size);
    },
    sequence(readItem) {
      const items = [];
      for (let left = replies[at++]; left > 0; left--) ArrayPrototypePush(items, readItem(reader));
      return items;
    },
    limits(names) {
      const limits = { __proto__: null };
      for (let i = 0; i < names.length; i++) limits[names[i]] = reader.u64();
      return limits;
    },
  };

  /** A number for the host to answer: answer(reply) or, when the host is gone, lost(reason) will be called. */
  wire.request = (answer, lost) => {
    lastRequest = lastRequest + 1 >>> 0;
    requests.set(lastRequest, { __proto__: null, answer, lost });
    ops.gpuPending(1);
    return lastRequest;
  };

  /** Ends the wait for an answer; false where nobody waits any more. */
  wire.cancel = (id) => {
    if (!requests.delete(id)) return false;
    ops.gpuPending(-1);
    return true;
  };

  /** Replies that answer no request, by their name: handler(reply). */
  wire.events = { __proto__: null };

  function handleReply(type, index) {
    const { name, read } = gpu.replies[type];
    const reply = read(replies, index, reader);
    if (reply.request === undefined) return wire.events[name](reply);
    const request = requests.get(reply.request);
    if (wire.cancel(reply.request)) request.answer(reply);
  }

  runtime.onGpuReplies = () => {
    do {
      const end = ops.gpuReplyPosition();
      while (replyPosition !== end) {
        const index = replyPosition % replies.length;
        const header = replies[index];
        replyPosition = replyPosition + gpu.messageWords(header) >>> 0;
        const type = gpu.messageType(header);
        if (type !== 0) handleReply(type, index + 1);
      }
    } while (!ops.gpuFinishReplies(replyPosition));
  };

  runtime.onGpuLost = () => {
    wire.connected = false;
    cursor[END] = cursor[POSITION];
    const reason = "the GPU host has ended";
    wire.events.hostLost(reason);
    for (const id of requests.keys()) {
      const { lost } = requests.get(id);
      wire.cancel(id);
      lost(reason);
    }
  };

  gpu.wire = wire;
});
