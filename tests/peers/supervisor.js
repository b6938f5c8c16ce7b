// Runs one job with the classes of npm's dcp-client: the supervisor's Sandbox over standaloneWorker, on the evaluator that
// listens on a port. Standard input is a scenario, standard output the report, both JSON:
//   { port, job: { workFunction, arguments, ... }, data: [...], modules, allowOrigins, timeout, uses, evaluate: [...],
//     undelayed, texts }
// "modules" are pairs of dependencies and the module group that the package manager would send; "uses" is how often a
// sandbox is used; "evaluate" are sources that eval requests bring; "undelayed" leaves out the pauses that the
// supervisor makes on its side, a tenth of a second before each slice; "texts" has results in the report as texts of KVIN. A
// job of null is none.
// A datum {"$bytes": N} stands for a Uint8Array of N bytes 0, 1, 2 ...; long typed arrays are reported as length and sum.
"use strict";

const scenario = JSON.parse(require("fs").readFileSync(0, "utf8"));
const ADDRESS = "0x" + "1".repeat(40);

function datum(value) {
  if (typeof value?.$bytes !== "number") return value;
  return Uint8Array.from({ length: value.$bytes }, (_, i) => i);
}

function reported(value) {
  if (value instanceof Error) {
    return { $error: value.name, message: value.message, code: value.errorCode, stack: value.stack };
  }
  if (ArrayBuffer.isView(value) && value.length > 64) {
    return { $array: value.constructor.name, length: value.length, sum: value.reduce((sum, x) => sum + x, 0) };
  }
  return ArrayBuffer.isView(value) ? { $array: value.constructor.name, values: [...value] } : value;
}

function makeJob(given) {
  const jobMessage = {
    address: ADDRESS, jobId: ADDRESS, needCapabilities: 0, arguments: [], dependencies: [], modulePath: [], requirePath: [], public: {}, requirements: { environment: {}, engine: {} },
    useStrict: false, worktime: { name: "map-basic", version: "1.0.0" }, ...given,
  };
  return {
    address: ADDRESS, jobId: ADDRESS, jobMessage, jobHandle: {}, public: jobMessage.public, inputDataSize: 0, hasGPU: false,
    updateStatistics() {}, resolveWorktime: () => jobMessage, serializer: require("kvin"), identifier: "job",
  };
}

function makeSlice(jobManager, sliceNumber, value) {
  return {
    jobManager, jobAddress: ADDRESS, jobId: ADDRESS, sliceNumber, datum: datum(value), inputDataSize: 0, state: "", identifier: "slice",
    markAsWorking() {}, markAsWorkDone() {}, forceWorkDone() {}, collectResult() {}, resetFromReserved() {},
    tryRecoverSlice() {}, constructRejectedState: ({ reason, retries }) => ({ message: reason, retries }),
  };
}

async function runSlice(sandbox, slice) {
  const progress = [];
  const noted = (percent) => progress.push(percent);
  sandbox.slice = slice;
  sandbox.markAsReserved();
  sandbox.sandboxHandle.on("progress", noted);
  try {
    const { result, timeReport, dataReport } = await sandbox.work();
    sandbox.sandboxHandle.off("progress", noted);
    const told = scenario.texts ? { text: require("kvin").serialize(result) } : { result: reported(result) };
    return { ...told, cpu: timeReport.CPU, sizes: dataReport, progress, sandbox: sandbox.id };
  } catch (error) {
    return { failed: error.message ?? error.reason ?? String(error), code: error.errorCode ?? error.code, retries: error.retries };
  }
}

// An eval request. The class hears a failure; of an answer it takes the name for an unknown one (dcp-client 4.4.29), so that
// it is told here. worker-info.js, the one program of DCP that sends eval requests, reads the answers by itself.
async function evaluate(sandbox, source) {
  const handle = sandbox.ringMessageHandlers[2];
  sandbox.ringMessageHandlers[2] = async function (data) {
    if (data.request.startsWith("evalResult::")) this.emit(data.request, data.data);
    else await handle.call(this, data);
  };
  try {
    return { result: reported(await sandbox.eval(source, "evaluated.js")) };
  } catch (error) {
    return { failed: error.message, name: error.name };
  } finally {
    sandbox.ringMessageHandlers[2] = handle;
  }
}

async function newSandbox(supervisor, events) {
  const sandbox = await supervisor.createSandboxWithTimeout(true);
  sandbox.postWorkEmit = (name, payload) => events.push([name, reported(payload)]);
  return sandbox;
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
  const options = { progressTimeoutMs: scenario.timeout, maxSandboxUse: scenario.uses };
  for (const [name, value] of Object.entries(options)) {
    if (value) Object.defineProperty(supervisor.options, name, { value });
  }
  if (scenario.undelayed) supervisor.delayManager.nextDelay = async () => {};
  supervisor.hookUpSandboxListeners = () => {}; // what they would do is tell the scheduler

  const events = [];
  const begun = performance.now();
  const sandbox = await newSandbox(supervisor, events);
  const report = { capabilities: sandbox.capabilities, worktimes: supervisor.worktimes, events, evaluated: [], slices: [], begun };
  for (const source of scenario.evaluate ?? []) report.evaluated.push(await evaluate(sandbox, source));
  if (scenario.job) await runJob(supervisor, sandbox, report);
  else sandbox.terminate(false);
  return report;
}

async function runJob(supervisor, sandbox, report) {
  const jobManager = makeJob(scenario.job);
  const slices = scenario.data.map((value, i) => makeSlice(jobManager, i, value));
  try {
    await sandbox.assign(slices[0] ?? makeSlice(jobManager, 0, undefined));
    const start = performance.now();
    for (const slice of slices) {
      if (sandbox.isTerminated) {
        sandbox = await newSandbox(supervisor, report.events);
        await sandbox.assign(slice);
      }
      const outcome = await runSlice(sandbox, slice);
      report.slices.push(outcome);
      report.toFirstResult ??= performance.now() - report.begun;
      if ("failed" in outcome) break; // as the supervisor does, which then takes another sandbox
    }
    report.milliseconds = performance.now() - start;
  } catch (error) {
    Object.assign(report, { refused: error.message ?? String(error), stack: error.stack });
  }
  sandbox.terminate(false);
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
