// Calls of JavaScript with npm's dcp-client at hand. Each line of standard input is { "source", "arguments" }: a function
// of JavaScript, whose value (or what its promise gives) is answered with { "value" }, or { "error", "code" } of what it
// throws.
"use strict";

const compiled = new Map();
const answer = (line) => process.stdout.write(JSON.stringify(line) + "\n");

function compile(source) {
  if (!compiled.has(source)) compiled.set(source, new Function("require", `return ${source}`)(require));
  return compiled.get(source);
}

async function obey(line) {
  const { source, arguments: given } = JSON.parse(line);
  try {
    const value = await compile(source)(...given);
    answer({ value });
  } catch (error) {
    answer({ error: String(error?.message ?? error), name: error?.name, code: error?.code });
  }
}

require("dcp-client")
  .init({ progName: "dcp-calls", dcpConfig: { scheduler: { configLocation: false }, bundle: { location: false } } })
  .then(() => {
    answer({ value: "ready" });
    require("readline").createInterface({ input: process.stdin }).on("line", obey).on("close", () => process.exit(0));
  });
