// Deploys one job with npm's dcp-client as its users do, and prints what its program sees: an event a line, as JSON.
// The argument has the job: {values | range | pattern, work, arguments, groups, price, cancelAfter, listen}.
"use strict";

const asked = JSON.parse(process.argv[2]);
const say = (event, value) => process.stdout.write(`${JSON.stringify({ event, ...value })}\n`);

async function keystore(wallet, kind, key) {
  return new wallet[kind](key, "");
}

async function main() {
  await require("dcp-client").init();
  const compute = require("dcp/compute");
  const wallet = require("dcp/wallet");
  const identity = require("dcp/identity");
  if (identity.set) await identity.set(await keystore(wallet, "IdKeystore", asked.identityKey));
  const account = await keystore(wallet, "AuthKeystore", asked.accountKey);
  const work = new Function(`return (${asked.work})`)();
  const data = asked.range ? asked.range : [asked.values];
  const job = compute.for(...data, work, asked.arguments ?? []);
  job.public.name = "a job of the test";
  if (asked.groups) job.computeGroups = asked.groups;
  job.on("accepted", () => say("accepted", { address: job.address, id: job.id }));
  for (const name of asked.listen ?? []) {
    job.on(name, (event) => say(name, { slice: event.sliceNumber, message: event.message, status: event.runStatus }));
  }
  job.work.on("spoke", (event) => say("custom", { slice: event.sliceNumber, data: event.data }));
  job.on("result", (event) => {
    say("result", { slice: event.sliceNumber });
    if (asked.cancelAfter) job.cancel("enough").catch((error) => say("cancelFailed", { message: error.message }));
  });
  const results = await job.exec(asked.price ?? 0, account);
  say("done", { results: Array.from(results) });
}

main().then(
  () => process.exit(0),
  (error) => {
    say("failed", { message: error.message, code: error.code ?? null });
    process.exit(1);
  },
);
