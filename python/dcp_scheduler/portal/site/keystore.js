// Keystores of version 3 as DCP's programs write and open them (dcp_protocol/wallet/formats.py).
import { addressOf, bytesOf, checksummed, hex, joined, keccak256, unhex } from "./ethereum.js";
import { scryptAsync } from "./noble/hashes/scrypt.js";

const COST = 262144; // of scrypt: what other wallets write; DCP's own writes 1024, with which guessing is cheap
const MOST_MEMORY = 2 ** 30;
const MOST_WORK = 2 ** 24;
const MOST_ITERATIONS = 10_000_000;
const LONGEST = 65536;

/** What a keystore's owner can mend. */
export class KeystoreError extends Error {}

/** The text of a keystore for the key. `tell` hears how far it is, from 0 to 1. */
export async function makeKeystore(key, passphrase, label, tell) {
  const [salt, iv] = [crypto.getRandomValues(new Uint8Array(32)), crypto.getRandomValues(new Uint8Array(16))];
  const derived = await scrypt(passphrase, { salt: hex(salt), n: COST, r: 8, p: 1, dklen: 32 }, tell);
  const ciphertext = await ctr("encrypt", derived.subarray(0, 16), iv, key);
  return JSON.stringify({
    version: 3,
    id: crypto.randomUUID(),
    address: addressOf(key).slice(2).toLowerCase(),
    crypto: {
      ciphertext: hex(ciphertext),
      cipherparams: { iv: hex(iv) },
      cipher: "aes-128-ctr",
      kdf: "scrypt",
      kdfparams: { dklen: 32, salt: hex(salt), n: COST, r: 8, p: 1 },
      mac: hex(keccak256(derived.subarray(16, 32), ciphertext)),
    },
    ...(label ? { label } : {}),
    timestamp: String(new Date()),
    process: "portal",
  });
}

/** The private key. Throws KeystoreError. */
export async function openKeystore(text, passphrase, tell) {
  const document = parse(text);
  const stored = part(document, "crypto");
  const [iv, ciphertext] = [bytes(part(stored, "cipherparams"), "iv"), bytes(stored, "ciphertext")];
  const derived = await derive(stored, passphrase, tell);
  if (hex(keccak256(derived.subarray(16, 32), ciphertext)) !== stored.mac) {
    throw new KeystoreError("This is not the keystore's passphrase.");
  }
  const key = await decipher(stored.cipher, derived.subarray(0, 16), iv, ciphertext);
  return checked(key, document.address);
}

function checked(key, stated) {
  let address;
  try {
    address = addressOf(key);
  } catch {
    throw new KeystoreError("What the keystore holds is no private key.");
  }
  if (stated && checksummed(String(stated).replace(/^0x/, "")) !== address) {
    throw new KeystoreError(`The keystore says that it is of another account than its key, which is of ${address}.`);
  }
  return key;
}

function parse(text) {
  if (text.length > LONGEST) throw new KeystoreError("This file is too long for a keystore.");
  let document;
  try {
    document = lower(JSON.parse(text));
  } catch {
    throw new KeystoreError("This file is no keystore: it is no JSON.");
  }
  if (document?.version !== 3) throw new KeystoreError("This file is no keystore of version 3, as DCP's programs write.");
  return document;
}

/** Names and texts in lower case, as npm reads version 3. */
function lower(value) {
  if (typeof value === "string") return value.toLowerCase();
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toLowerCase(), lower(inner)]));
}

function derive(stored, passphrase, tell) {
  const parameters = part(stored, "kdfparams");
  if (stored.kdf === "scrypt") return scrypt(passphrase, parameters, tell);
  if (stored.kdf === "pbkdf2" && parameters.prf === "hmac-sha256") return pbkdf2(passphrase, parameters);
  throw new KeystoreError("The keystore derives its key in a way that is neither scrypt nor PBKDF2.");
}

function scrypt(passphrase, parameters, tell) {
  const [n, r, p, dkLen] = ["n", "r", "p", "dklen"].map((name) => whole(parameters, name));
  if (128 * r * (n + p) > MOST_MEMORY || n * r * p > MOST_WORK || dkLen < 32 || dkLen > 1024 || n & (n - 1)) {
    throw new KeystoreError("The keystore asks for more memory or time than a keystore may. Is it really yours?");
  }
  const options = { N: n, r, p, dkLen, maxmem: 2 * MOST_MEMORY, onProgress: tell };
  return scryptAsync(bytesOf(passphrase), bytes(parameters, "salt"), options);
}

async function pbkdf2(passphrase, parameters) {
  const [iterations, size] = [whole(parameters, "c"), whole(parameters, "dklen")];
  if (iterations > MOST_ITERATIONS || size < 32 || size > 1024) {
    throw new KeystoreError("The keystore asks for more time than a keystore may. Is it really yours?");
  }
  const secret = await crypto.subtle.importKey("raw", bytesOf(passphrase), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(parameters, "salt"), iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(how, secret, 8 * size));
}

async function decipher(cipher, key, iv, ciphertext) {
  if (iv.length !== 16) throw new KeystoreError("The keystore is damaged: its iv has not 16 bytes.");
  if (cipher === "aes-128-ctr") return ctr("decrypt", key, iv, ciphertext);
  if (cipher !== "aes-128-cbc") throw new KeystoreError("The keystore has a cipher that DCP's programs do not know.");
  try {
    const secret = await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["decrypt"]);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, secret, ciphertext));
  } catch {
    throw new KeystoreError("The keystore is damaged: it cannot be decrypted.");
  }
}

async function ctr(direction, key, iv, data) {
  const secret = await crypto.subtle.importKey("raw", key, "AES-CTR", false, [direction]);
  const done = await crypto.subtle[direction]({ name: "AES-CTR", counter: iv, length: 128 }, secret, joined(data));
  return new Uint8Array(done);
}

function part(content, name) {
  if (content[name] === null || typeof content[name] !== "object") {
    throw new KeystoreError(`The keystore is damaged: it has no object “${name}”.`);
  }
  return content[name];
}

function bytes(content, name) {
  try {
    return unhex(content[name]);
  } catch {
    throw new KeystoreError(`The keystore is damaged: “${name}” is no hexadecimal text.`);
  }
}

function whole(content, name) {
  if (!Number.isSafeInteger(content[name]) || content[name] < 1) {
    throw new KeystoreError(`The keystore is damaged: “${name}” is no whole number.`);
  }
  return content[name];
}
