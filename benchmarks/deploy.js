// Deploys a job by value with npm's dcp-client. Prints for how long that took, and what this program used of the CPU
// for it, in milliseconds. It reads what tests/network/js/exec.js does, with `slices` and `characters` of a datum.
"use strict";

const asked = JSON.parse(require("node:fs").readFileSync(0, "utf8"));

async function main() {
  await require("dcp-client").init();
  const compute = require("dcp/compute");
  const wallet = require("dcp/wallet");
  const identity = require("dcp/identity");
  if (identity.set) await identity.set(await new wallet.IdKeystore(asked.identityKey, ""));
  const account = await new wallet.AuthKeystore(asked.accountKey, "");
  const values = Array.from({ length: asked.slices }, (_, slice) => String(slice).padEnd(asked.characters, "x"));
  const job = compute.for(values, (x) => x.length);
  const begun = performance.now();
  const before = process.cpuUsage();
  job.on("accepted", () => {
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ event: "accepted", took: performance.now() - begun, cpu: (user + system) / 1000 }));
    process.exit(0);
  });
  await job.exec(0, account);
}

main();
