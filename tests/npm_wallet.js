// Runs the JavaScript of a file with npm's wallet at hand, and prints what it returns as JSON. The second file has what it
// finds as `given`. Outcomes of steps that may fail are made with `outcome`.
"use strict";

const fs = require("fs");

const [code, given] = process.argv.slice(2).map((name) => fs.readFileSync(name, "utf8"));

async function outcome(step) {
  try {
    return { value: await step() };
  } catch (error) {
    return { code: error.code ?? null, message: error.message };
  }
}

require("dcp-client")
  .init({ dcpConfig: { scheduler: { configLocation: false }, bundle: { location: false } } })
  .then(() => {
    const wallet = require("dcp/wallet");
    const run = new Function("wallet", "given", "outcome", "require", `return (async () => { ${code} })();`);
    return run(wallet, JSON.parse(given), outcome, require);
  })
  .then((value) => process.stdout.write(`${JSON.stringify(value)}\n`, () => process.exit(0)))
  .catch((error) => process.stderr.write(`${error?.stack ?? error}\n`, () => process.exit(1)));
