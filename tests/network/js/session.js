// What programs of the tests begin with: npm's dcp-client with an identity and an account of its own.
"use strict";

const say = (event, value) => process.stdout.write(`${JSON.stringify({ event, ...value })}\n`);

// What the test wants of the program.
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));

async function begin() {
  await require("dcp-client").init();
  const wallet = require("dcp/wallet");
  const identity = require("dcp/identity");
  if (identity.set) await identity.set(await new wallet.IdKeystore(asked.identityKey, ""));
  return { compute: require("dcp/compute"), wallet, account: await new wallet.AuthKeystore(asked.accountKey, "") };
}

function end(main) {
  const leave = (status) => process.stdout.write("", () => process.exit(status));  // when all is written
  main().then(
    () => leave(0),
    (error) => {
      say("failed", { message: error.message, code: error.code ?? null });
      leave(1);
    },
  );
}

module.exports = { asked, begin, end, say };
