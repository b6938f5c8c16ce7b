const found = [];
function built(pieces) {
  let text = "", kept = [], other;
  for (let i = 0; i < 60000; i++) {
    if (i % 9973 === 0) { kept.push(text); other = text; }
    text += pieces(i);
    if (i === 30000) { const twice = text + "x"; found.push(twice.length - text.length); }
  }
  found.push(kept.every((part) => text.startsWith(part)), text.startsWith(other));
  found.push(kept.map((part) => part.length));
  return text;
}
const check = (pieces) => {
  const list = Array.from({ length: 60000 }, (_, i) => pieces(i));
  const text = built(pieces), joined = list.join("");
  let sum = 0, same = true;
  for (let i = 0; i < text.length; i++) {
    sum = (sum * 31 + text.charCodeAt(i)) >>> 0;
    same &&= text.charAt(i) === joined[i];
  }
  found.push(text === joined, same, text.length === joined.length, sum, text.indexOf(joined.slice(-9)) > 0);
};
check((i) => String.fromCharCode(97 + i % 26, 65 + i % 7));
check((i) => String.fromCharCode(i % 256));
check((i) => i % 1000 === 999 ? "€" : "ab");
check((i) => i < 40000 ? "abc" : "一二");
const closure = () => { let text = "y".repeat(20000); const read = () => text; const seen = [];
  for (let i = 0; i < 4; i++) { const before = read(); text += "z"; seen.push(before.length, read().length); }
  return seen; };
found.push(closure());
let self = "s".repeat(9000) + "t";
for (let i = 0; i < 3; i++) self += self;
found.push(self.length, self === ("s".repeat(9000) + "t").repeat(8));
function* parts() { let text = "u".repeat(9000); for (;;) { text += yield text; } }
const generator = parts();
const first = generator.next().value, second = generator.next("v").value, third = generator.next("w").value;
found.push(first.length, second.length, third.length, second.slice(-2), third.slice(-2));
found.push(["", "a".charAt(1), "a".charAt(-1), "a".charAt(), Number.isNaN("a".charCodeAt(1)), "abc".indexOf(""),
  "".indexOf("a"), "abc".indexOf("c"), "€abc".indexOf("c"), "abc".indexOf("€"), "abc".length]);
String.prototype.charAt = () => "replaced";
found.push("abc".charAt(0));
Object.defineProperty(String.prototype, "got", { get() { return this.length; } });
found.push("abcd".got, "abcd".absent === undefined, "abc"[1]);
print(JSON.stringify(found));
