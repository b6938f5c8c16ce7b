// Addresses, hashes and signatures as DCP has them (dcp_protocol/keys), with keys that stay in this page.
import { keccak_256 as keccak } from "./noble/hashes/sha3.js";
import { getPublicKey, signAsync, utils } from "./noble/secp256k1.js";

const text = new TextEncoder();

export const bytesOf = (string) => text.encode(string);

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Throws Error for what is no hexadecimal text. */
export function unhex(digits) {
  if (typeof digits !== "string" || !/^(?:[0-9a-f]{2})*$/i.test(digits)) throw new Error("no hexadecimal digits");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function joined(...parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const keccak256 = (...parts) => keccak(joined(...parts));

const personalHash = (bytes) => keccak256(bytesOf(`\x19Ethereum Signed Message:\n${bytes.length}`), bytes);

/** DCP's hash of a text, for compute groups: `eh1-` and 64 digits. */
export const eh1 = (string) => `eh1-${hex(personalHash(bytesOf(string)))}`;

export const newKey = () => utils.randomSecretKey();

/** Throws where the 32 bytes are no private key. */
export function addressOf(key) {
  return checksummed(hex(keccak256(getPublicKey(key, false).subarray(1)).subarray(12)));
}

/** As EIP-55 writes the 40 digits. */
export function checksummed(digits) {
  const marks = hex(keccak256(bytesOf(digits.toLowerCase())));
  const letters = Array.from(digits.toLowerCase(), (digit, at) => (marks[at] >= "8" ? digit.toUpperCase() : digit));
  return `0x${letters.join("")}`;
}

/** A signature of the bytes, as members of DCP's sealed messages. */
export async function sign(key, bytes) {
  const signed = await signAsync(personalHash(bytes), key, { prehash: false, format: "recovered" });
  return { r: Array.from(signed.subarray(1, 33)), s: Array.from(signed.subarray(33)), v: 27 + signed[0] };
}
