// A scheduler that stands in for DCP's: one job, whose slices it hands out a task at a time. It speaks DCP's protocol with
// the class Target of npm's dcp-client. The file that is the argument has the job, JSON:
//   { workFunction, arguments, data: [...], dependencies, modules: { package: { file: source } }, taskSize }
// The second argument is the port. Standard output is a line of JSON for each thing that happens, the first of which is
// {"listening": URL}. It ends with its input.
"use strict";

const fs = require("fs");

const ADDRESS = "0x" + "1".repeat(40);
const port = Number(process.argv[3]);
const job = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const waiting = job.data.map((_, number) => number);
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

// What a worker downloads before all else: where the services are, which here are one, and who may talk to it.
function configuration(location) {
  const { DcpURL } = require("dcp/dcp-url");
  const service = () => ({ location: new DcpURL(location.href) });
  const names = ["eventRouter", "taskDistributor", "resultSubmitter", "jobSubmit", "phonebook"];
  return {
    scheduler: {
      location: new DcpURL(location.origin),
      services: Object.fromEntries(names.map((name) => [name, service()])),
      compatibility: { minimum: { dcp: "^5.0.0" } },
      worker: { types: ["v4"], operations: "1.0.0" },
    },
    packageManager: service(),
    bank: { location: new DcpURL(location.origin), services: { bankTeller: service() } },
  };
}

function jobMessage() {
  const { encodeDataURI } = require("dcp/utils");
  return {
    address: ADDRESS,
    codeLocation: encodeDataURI(job.workFunction, "application/javascript"),
    argumentsLocation: job.arguments.map((value, argIndex) => ({ argIndex, value: encodeDataURI(value) })),
    dependencies: job.dependencies, modulePath: [], requirePath: [],
    requirements: { environment: {}, engine: {} },
    public: { name: "a job of the test" },
    worktime: { name: "map-basic", version: "1.0.0" },
  };
}

function sliceMessage(sliceNumber) {
  return {
    jobAddress: ADDRESS, sliceNumber, datumUri: require("dcp/utils").encodeDataURI(job.data[sliceNumber]),
    resultStorageType: "values", resultStorageDetails: "", isEstimationSlice: false, isLongSlice: false,
  };
}

function requestTask(request) {
  const numbers = waiting.splice(0, job.taskSize);
  tell({ requestTask: { worktimes: request.worktimes, capabilities: request.capabilities, slices: numbers } });
  if (numbers.length === 0) return { body: {} };
  return {
    auth: { workerId: request.coreStats.worker, authSlices: { [ADDRESS]: numbers } },
    body: { newJobs: { [ADDRESS]: jobMessage() }, task: { [ADDRESS]: numbers.map(sliceMessage) } },
  };
}

function result(submitted) {
  const KVIN = require("kvin");
  const { string, method } = KVIN.unmarshal(submitted.resultV2);
  const value = method === "json" ? JSON.parse(string) : KVIN.parse(string);
  tell({ result: value, slice: submitted.slice, metrics: submitted.metrics, paidTo: String(submitted.paymentAddress) });
  return { slicePaymentAmount: 0, metrics: { sliceCPUTime: 1, sliceCPUDensity: 1, sliceGPUTime: 0, sliceGPUDensity: 0 } };
}

// Where the sources of the modules are; a worker fetches them itself.
function fetchModuleURL({ modules }) {
  tell({ fetchModuleURL: modules });
  const urls = (name) => Object.fromEntries(Object.keys(job.modules[name]).map((file) => [file, moduleUrl(name, file)]));
  return Object.fromEntries(Object.keys(job.modules).map((name) => [name, urls(name)]));
}

const moduleUrl = (name, file) => `http://localhost:${port}/modules/${name}/${file}`;

let tokens = 0;
const operations = {
  requestTask,
  result,
  fetchModuleURL,
  status: (told) => tell({ status: told }) ?? {},
  workEmit: ({ eventName, slice, payload }) => tell({ workEmit: eventName, slice, payload }) ?? true,
  subscribe: () => ({ token: `token ${++tokens}` }),
  unsubscribe: () => ({}),
};

async function answer(request) {
  const { operation, data } = request.payload;
  if (!(operation in operations)) tell({ unknown: operation, data });
  try {
    await request.respond(operations[operation](data));
  } catch (error) {
    tell({ failed: operation, error: error.stack });
    await request.respond(error);
  }
}

async function listen() {
  const { Target } = require("dcp/protocol");
  const wallet = require("dcp/wallet");
  const { DcpURL } = require("dcp/dcp-url");
  const location = new DcpURL(`http://localhost:${port}/dcp`);
  const target = new Target(["socketio"], { location, listen: location, identity: await new wallet.IdKeystore(null, "") });
  target.on("error", (error) => tell({ error: error.stack }));
  target.on("session", (connection) => connection.on("request", answer));
  target.on("listening", () => tell({ listening: location.href }));
  serve(target, "/etc/dcp-config.kvin", "application/x-kvin", require("kvin").stringify(configuration(location)));
  for (const [name, files] of Object.entries(job.modules)) {
    for (const [file, source] of Object.entries(files)) serve(target, `/modules/${name}/${file}`, "text/plain", source);
  }
}

function serve(target, path, type, body) {
  target.get(path, (_, response) => {
    response.set("content-type", type);
    response.send(body);
  });
}

process.stdin.on("end", () => process.exit(0)).resume();
require("dcp-client")
  .init({
    progName: "dcp-scheduler",
    dcpConfig: { scheduler: { configLocation: false }, bundle: { location: false } },
  })
  .then(listen)
  .catch((error) => {
    process.stderr.write(`${error?.stack ?? error}\n`, () => process.exit(1));
  });
