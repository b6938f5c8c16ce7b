// Runs one job with the classes of npm's dcp-client: the supervisor's Sandbox over standaloneWorker, on the evaluator that
// listens on a port. Standard input is a scenario, standard output the report, both JSON:
//   { port, job: { workFunction, arguments, ... }, data: [...], modules, allowOrigins, timeout }
// A datum {"$bytes": N} stands for a Uint8Array of N bytes 0, 1, 2 ...; long typed arrays are reported as length and sum.
"use strict";

const scenario = JSON.parse(require("fs").readFileSync(0, "utf8"));
const ADDRESS = "0x" + "1".repeat(40);

function datum(value) {
  if (typeof value?.$bytes !== "number") return value;
  return Uint8Array.from({ length: value.$bytes }, (_, i) => i);
}

function reported(value) {
  if (value instanceof Error) return { $error: value.name, message: value.message, code: value.errorCode };
  if (ArrayBuffer.isView(value) && value.length > 64) {
    return { $array: value.constructor.name, length: value.length, sum: value.reduce((sum, x) => sum + x, 0) };
  }
  return ArrayBuffer.isView(value) ? { $array: value.constructor.name, values: [...value] } : value;
}

function makeJob(given) {
  const jobMessage = {
    address: ADDRESS, arguments: [], dependencies: [], modulePath: [], requirePath: [], public: {}, requirements: { environment: {}, engine: {} },
    useStrict: false, worktime: { name: "map-basic", version: "1.0.0" }, ...given,
  };
  return {
    address: ADDRESS, jobMessage, jobHandle: {}, public: jobMessage.public, inputDataSize: 0, hasGPU: false,
    updateStatistics() {}, identifier: "job",
  };
}

function makeSlice(jobManager, sliceNumber, value) {
  return {
    jobManager, jobAddress: ADDRESS, sliceNumber, datum: datum(value), inputDataSize: 0, state: "", identifier: "slice",
    markAsWorking() {}, markAsWorkDone() {}, forceWorkDone() {}, collectResult() {}, resetFromReserved() {},
    tryRecoverSlice() {}, constructRejectedState: ({ reason, retries }) => ({ message: reason, retries }),
  };
}

async function runSlice(sandbox, slice, events) {
  sandbox.slice = slice;
  sandbox.markAsReserved();
  sandbox.postWorkEmit = (name, payload) => events.push([name, reported(payload)]);
  try {
    const { result, timeReport } = await sandbox.work();
    return { result: reported(result), cpu: timeReport.CPU };
  } catch (error) {
    return { failed: error.message ?? error.reason ?? String(error), code: error.errorCode ?? error.code, retries: error.retries };
  }
}

// The classes want to know where a scheduler's services are, and are not asked to talk to them: nobody listens there.
function nameServices() {
  const service = { location: new URL("http://localhost:9/"), operations: {} };
  const names = ["eventRouter", "taskDistributor", "packageManager", "resultSubmitter", "bankTeller", "jobSubmit"];
  dcpConfig.scheduler.services = Object.fromEntries(names.map((name) => [name, service]));
}

// An identity of this run alone: none is looked for on the machine.
async function makeIdentity() {
  const wallet = require("dcp/wallet");
  await wallet.addId(await new wallet.IdKeystore(null, ""));
}

async function run() {
  nameServices();
  await makeIdentity();
  const { DistributiveWorker } = require("dcp/worker");
  const { workerFactory } = require("dcp-client/lib/standaloneWorker");
  const connected = workerFactory({ hostname: "localhost", port: scenario.port });
  const config = scenario.allowOrigins ? { allowOrigins: { any: scenario.allowOrigins } } : {};
  const worker = new DistributiveWorker(config, connected);
  const supervisor = worker.badSupervisorBackdoor;
  for (const [names, group] of scenario.modules ?? []) {
    supervisor.moduleCache.store(JSON.stringify(names), ADDRESS, group);
  }
  if (scenario.timeout) Object.defineProperty(supervisor.options, "progressTimeoutMs", { value: scenario.timeout });

  supervisor.hookUpSandboxListeners = () => {}; // what they would do is tell the scheduler
  const events = [];
  const sandbox = await supervisor.createSandboxWithTimeout(true);
  const report = { capabilities: sandbox.capabilities, worktimes: supervisor.worktimes, events, slices: [] };
  const jobManager = makeJob(scenario.job);
  const slices = scenario.data.map((value, i) => makeSlice(jobManager, i, value));
  sandbox.postWorkEmit = (name, payload) => events.push([name, reported(payload)]);
  try {
    await sandbox.assign(slices[0] ?? makeSlice(jobManager, 0, undefined));
  } catch (error) {
    return { ...report, refused: error.message ?? String(error), stack: error.stack };
  }
  const start = performance.now();
  for (const slice of slices) {
    const outcome = await runSlice(sandbox, slice, events);
    report.slices.push(outcome);
    if ("failed" in outcome) break; // as the supervisor does, which then takes another sandbox
  }
  report.milliseconds = performance.now() - start;
  sandbox.terminate(false);
  return report;
}

setInterval(() => {}, 1000); // dcp-client's sockets and timers keep no process alive
require("dcp-client")
  .init({
    progName: "dcp-worker",
    dcpConfig: { scheduler: { configLocation: false }, bundle: { location: false } },
  })
  .then(run)
  .then(
    (report) => process.stdout.write(JSON.stringify(report), () => process.exit(0)),
    (error) => {
      process.stderr.write(`${error?.stack ?? error}\n`, () => process.exit(1));
    },
  );
