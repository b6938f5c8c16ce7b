// Deploys a job with npm's dcp-client as its users do, and prints each result as a line of JSON: [slice, row in base64].
// The argument has {identity, account, work, rows, argument}: keys in hexadecimal digits, the rest of the job.
"use strict";

async function main(asked) {
  await require("dcp-client").init();
  const compute = require("dcp/compute");
  const { AuthKeystore, IdKeystore } = require("dcp/wallet");
  const identity = require("dcp/identity");
  if (identity.set) await identity.set(await new IdKeystore(asked.identity, ""));
  const job = compute.for(0, asked.rows - 1, asked.work, [asked.argument]);
  job.public.name = "a picture from npm's dcp-client";
  job.on("result", ({ sliceNumber, result }) => {
    process.stdout.write(`${JSON.stringify([sliceNumber, Buffer.from(result).toString("base64")])}\n`);
  });
  await job.exec(0, await new AuthKeystore(asked.account, ""));
}

let input = "";
process.stdin.on("data", (chunk) => (input += chunk));
process.stdin.on("end", () => {
  main(JSON.parse(input)).then(
    () => process.exit(0),
    (error) => {
      process.stderr.write(`${error.code ?? error.name}: ${error.message}\n`);
      process.exit(1);
    },
  );
});
