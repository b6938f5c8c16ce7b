// Against a quoting that looks at one unit after the other.
const letters = { 8: "b", 9: "t", 10: "n", 12: "f", 13: "r", 34: '"', 92: "\\" };
const isHigh = (unit) => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit) => unit >= 0xdc00 && unit < 0xe000;

function quoted(text) {
  let result = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const pair = isHigh(unit) && isLow(text.charCodeAt(i + 1));
    if (unit in letters) result += "\\" + letters[unit];
    else if (unit < 32 || (!pair && (isHigh(unit) || isLow(unit)))) result += "\\u" + unit.toString(16).padStart(4, "0");
    else result += pair ? text[i] + text[++i] : text[i];
  }
  return result + '"';
}

function refuses(text) {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return error instanceof SyntaxError;
  }
}

const specials = ["", "\0", "\n", "\v", "\x1f", '"', "\\", "\x7f", "\x80", "\xff", "\u0100", "\u2028", "\ud83c\udf89", "\ud83c", "\udf89"];
const failures = [];
for (let length = 0; length < 70; length++) {
  for (const special of specials) {
    for (const end of ["", "z".repeat(40), "é", "€"]) {
      const text = "a".repeat(length) + special + end, json = quoted(text);
      const same = JSON.stringify(text) === json && JSON.parse(json) === text && JSON.parse(`[${json} ]`)[0] === text;
      const inside = JSON.stringify({ [text]: [text] }) === `{${json}:[${json}]}`;
      const key = Object.keys(JSON.parse(`{${json}:1}`))[0] === text;
      const raw = !(special < " " && special) && !'"\\'.includes(special || "a") && JSON.parse(`"${text}"`) !== text;
      const control = special && special < " " && !refuses(`"${text}"`);
      const open = !refuses(json.slice(0, -1)) || !refuses(`{${json.slice(0, -1)}`);
      if (!same || !inside || !key || raw || control || open) failures.push([length, special, end]);
    }
  }
}
let rope = "r";
for (let i = 0; i < 5000; i++) rope += i % 7 ? "ab\n" : "€";
if (JSON.stringify(rope) !== quoted(rope) || JSON.parse(JSON.stringify(rope)) !== rope) failures.push("rope");
print(failures.length, JSON.stringify(failures.slice(0, 5)));
