// Asks the scheduler. Each request is signed, for this network and this minute, and is good for once.
import { hex } from "./ethereum.js";
import { session } from "./session.js";

const SECONDS = 60;

/** What the network refuses, with DCP's `code`; or that it does not answer: `code` is EPIPE. */
export class NetworkError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

let known = null;

/** `{location, now}`; asked once. */
export async function network() {
  known ??= await read(await send("network"));
  known.ahead ??= known.now - Date.now() / 1000;
  return known;
}

/** The reply. Throws NetworkError. */
export async function ask(operation, data = {}) {
  const { location, ahead } = await network();
  const stamp = hex(crypto.getRandomValues(new Uint8Array(16)));
  const validity = { stamp, time: Date.now() / 1000 + ahead, ttl: SECONDS };
  const body = await session.seal({ endpoint: `${location}portal/ask`, operation, data, validity });
  const reply = await read(await send("ask", { method: "POST", body }));
  if (reply.error) throw new NetworkError(String(reply.error.code), String(reply.error.message));
  return reply.payload;
}

async function send(path, options = {}) {
  try {
    return await fetch(path, { ...options, credentials: "omit", redirect: "error" });
  } catch {
    throw new NetworkError("EPIPE", "The network does not answer.");
  }
}

async function read(response) {
  try {
    return await response.json();
  } catch {
    throw new NetworkError("EPIPE", `The network does not answer as it should (HTTP ${response.status}).`);
  }
}
