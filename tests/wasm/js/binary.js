const leb = (value) => {
  const bytes = [];
  do {
    bytes.push((value & 127) | (value > 127 ? 128 : 0));
    value >>>= 7;
  } while (value > 0);
  return bytes;
};
const flat = (parts) => {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
const section = (id, ...parts) => {
  const body = flat(parts);
  return flat([[id], leb(body.length), body]);
};
const binary = (...sections) => flat([[0, 97, 115, 109, 1, 0, 0, 0], ...sections]);
const repeat = (count, bytes) => {
  const all = new Uint8Array(count * bytes.length);
  for (let i = 0; i < all.length; i++) all[i] = bytes[i % bytes.length];
  return all;
};
const TYPE = section(1, [1, 0x60, 0, 0]);
const functions = (count) => binary(TYPE, section(3, leb(count), repeat(count, [0])),
  section(10, leb(count), repeat(count, [2, 0, 0x0b])));
const body = (code) => binary(TYPE, section(3, [1, 0]), section(10, [1], leb(code.length), code));
const locals = (count) => body([1, ...leb(count), 0x7f, 0x0b]);
const code = (size) => body(flat([[0], repeat(size - 2, [1]), [0x0b]]));
const types = (count) => binary(section(1, leb(count), repeat(count, [0x60, 0, 0])));
const parameters = (count) => binary(section(1, [1, 0x60], leb(count), repeat(count, [0x7f]), [0]));
const table = (count) => binary(section(4, [1, 0x70, 0], leb(count)));
const exports_ = (count) => {
  const names = [];
  for (let i = 0; i < count; i++) names.push(3, 97 + (i % 26), 97 + ((i / 26) % 26), 97 + i / 676, 0, 0);
  return binary(TYPE, section(3, [1, 0]), section(7, leb(count), names), section(10, [1, 2, 0, 0x0b]));
};
