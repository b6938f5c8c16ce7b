// The class DistributiveWorker of npm's dcp-client 5 as a program, which npm has none of. It takes these options of
// dcp-worker: --dcp-scheduler=URL -H HOST -p PORT -c CPU,GPU --paymentAddress=ADDRESS --identityKey=KEY --join=KEY,SECRET
"use strict";

const given = process.argv.slice(2);
const after = (name) => given[given.indexOf(name) + 1];
const named = (name) => given.find((option) => option.startsWith(`--${name}=`))?.slice(name.length + 3);
const [cpu, gpu] = after("-c").split(",").map(Number);
const [joinKey, joinSecret] = named("join")?.split(",") ?? [];

async function work() {
  const { DistributiveWorker } = require("dcp/worker");
  const { workerFactory } = require("dcp-client/lib/standaloneWorker");
  await require("dcp/identity").set(named("identityKey"));
  const config = {
    unmanaged: true, claimedEarnings: false, maxSandboxes: 2, cores: { cpu, gpu },
    paymentAddress: named("paymentAddress"),
    computeGroups: joinKey ? [{ joinKey, joinSecret }] : [],
  };
  const worker = new DistributiveWorker(config, workerFactory({ hostname: after("-H"), port: Number(after("-p")) }));
  worker.on("error", (error) => console.error("error:", error));
  worker.on("warning", (warning) => console.error("warning:", warning));
  worker.on("payment", (amount) => console.log(`payment: ${amount.toFixed(3)}`));
  worker.on("end", () => process.exit(0));
  process.on("SIGINT", () => worker.stop());
  await worker.start();
}

const scheduler = { location: new URL(named("dcp-scheduler")) };
require("dcp-client")
  .init({ progName: "dcp-worker", dcpConfig: { scheduler, bundle: { location: false } } })
  .then(work)
  .catch((error) => process.stderr.write(`${error?.stack ?? error}\n`, () => process.exit(1)));
