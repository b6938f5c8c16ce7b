// One end of DCP's protocol, as npm's dcp-client has it, which tests talk with: the class Target, or the class Connection
// that connects to one. The argument is JSON:
//   role        "target" or "client"
//   location    where to listen (port 0: any) or what to connect to, for example http://127.0.0.1:0/dcp/
//   identity    a private key in hex; without one a new one
//   options     DCP's connectionOptions: { allowBatch, ttl, maxRTT, ..., socketio: { maxFragmentSize, transports, ... } }
//   peer        for a client: the address that the target must have
//   clock       seconds that this program's clock is ahead
//   wire        true: tells what messages come and go
//   quiet       true: tells of no requests
//   asks        true: requests are answered by whoever has the other end of the lines: { "event": "ask", "ask": number,
//               operation, data, session, owner } is answered with { "do": "answer", "ask": number, "value" or "error" }
// Standard input is a line of JSON per command, { "id", "do", ... }, standard output a line per answer, { "done": id, ... }
// or { "failed": id, "error" }, and per event, { "event", ... }. A command without id has no answer. It ends with its input.
// Without `asks`, what it answers to requests depends on their operation alone; `answers` has them.
"use strict";

const settings = JSON.parse(process.argv[2]);
const tell = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const told = (error) => ({ name: error.name, message: error.message, code: error.code, origin: error.origin });
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const connections = [];
let target;

if (settings.clock) {
  const now = Date.now;
  Date.now = () => now() + settings.clock * 1000;
}

// By operation: what a request is answered with. `data` is the request's.
const answers = {
  echo: (data) => data,
  fail: (data) => { throw Object.assign(new Error(data.message), data); },
  delay: async ({ seconds, value }) => { await sleep(seconds); return value; },
  big: ({ text, times }) => text.repeat(times),
  length: (data) => JSON.stringify(data).length,
  nothing: () => undefined,
  silent: () => new Promise(() => {}),
  // Asks back on the same connection before it answers.
  ask: async ({ operation, data }, connection) => payload(await connection.request(operation, data)),
  // Loses the transport after the acknowledgement and before the answer, which comes on the next one.
  drop: async (data, connection) => { await sleep(0.3); drop(connection); return data; },
};

function tellRequest(request) {
  const { operation, data } = request.payload;
  const event = { event: "request", operation, data, owner: String(request.connection.peerAddress) };
  tell({ ...event, session: request.connection.dcpsid, auth: request.auth, length: JSON.stringify(data)?.length });
}

const asks = new Map();
let asked = 0;

function ask(request) {
  const { operation, data } = request.payload;
  const { dcpsid, peerAddress } = request.connection;
  asks.set(++asked, request);
  tell({ event: "ask", ask: asked, operation, data, session: dcpsid, owner: String(peerAddress) });
}

async function answer(request) {
  if (settings.asks) return ask(request);
  const { operation, data } = request.payload;
  if (!settings.quiet) tellRequest(request);
  try {
    if (!Object.hasOwn(answers, operation)) throw Object.assign(new Error(`no operation ${operation}`), { code: "ENOOP" });
    await request.respond(await answers[operation](data, request.connection));
    if (!settings.quiet) tell({ event: "answered", operation });
  } catch (error) {
    await request.respond(error).catch((late) => tell({ event: "unanswered", operation, error: told(late) }));
  }
}

function payload(response) {
  if (response.success) return response.payload;
  const { name, message, code, origin } = response.payload;
  throw Object.assign(new Error(message), { name, code, origin });
}

// Orderly, or as a network does it.
function drop(connection, how = "break") {
  const { transport } = connection;
  const { transport: engine } = transport.socket.conn ?? transport.socket.io.engine;
  const websocket = engine.socket ?? engine.ws;
  if (how === "break" && websocket?.terminate) websocket.terminate();
  else transport.close();
}

function watch(connection) {
  connections.push(connection);
  for (const event of ["connect", "disconnect", "session", "ready", "end", "close"]) {
    connection.on(event, () => tell({ event, session: connection.dcpsid, code: connection.closeErrorCode }));
  }
  connection.on("error", (error) => tell({ event: "error", error: told(error) }));
  connection.on("request", answer);
  connection.on("notification", ({ payload: { data } }) => tell({ event: "notification", data }));
}

// What a message on the wire is, without its contents. A batch has those of its messages.
function outline(body) {
  const { id, type, success, dcpsid, nonce, ackToken, token, messageId, time } = body;
  const operation = body.payload?.operation;
  const batch = type === "batch" ? body.payload.map(outline) : undefined;
  return { id, type, operation, success, dcpsid, nonce, ackToken, token, messageId, time, batch };
}

function watchWire({ Connection }) {
  for (const [method, way] of [["receive", "received"], ["transmit", "sent"]]) {
    const plain = Connection.prototype[method];
    Connection.prototype[method] = function (text, ...rest) {
      tell({ event: "wire", way, ...outline(JSON.parse(text).body), length: text.length });
      return plain.call(this, text, ...rest);
    };
  }
}

// 4.4.29 ends its process when it knows no session of a client that comes again, with DCPC-1027: it takes the connection
// that it makes only to close it for one that was closed at once. 5.6.1 no longer does.
function keepRunning({ Connection }) {
  const { shutdown } = Connection.prototype;
  Connection.prototype.shutdown = function (...rest) {
    this.__firstTick = false;
    return shutdown.apply(this, rest);
  };
}

// 5.6.1 answers long polling with 404 beside Socket.IO's answer, since it takes the path of it for unknown.
function allowPolling(server, path) {
  const listeners = server.listeners("request");
  const [, socketIo] = listeners;
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    const asked = request.url.startsWith(path) ? [socketIo] : listeners;
    for (const listener of asked) listener.call(server, request, response);
  });
}

const chosen = ({ number = -1, session }) =>
  session ? connections.find(({ dcpsid }) => dcpsid === session) : connections.at(number);

const commands = {
  connect: async (command) => {
    const { Connection } = require("dcp/protocol");
    const connection = new Connection(await description(), { ...(await connectionOptions()), ...command.options });
    watch(connection);
    connection.ref();
    const established = ready(connection);
    established.catch(() => {}); // connect() tells it, too
    await connection.connect();
    await established;
    return { session: connection.dcpsid, peer: String(connection.peerAddress) };
  },
  answer: async ({ ask, value, error }) => {
    const request = asks.get(ask);
    asks.delete(ask);
    await request.respond(error ? Object.assign(new Error(error.message), error) : value);
  },
  request: async (command) => payload(await chosen(command).request(command.operation, command.data)),
  // A request whose keystore signs for a resource, or whose validity is not what it is by itself.
  requestWith: async (command) => {
    const { Keystore } = require("dcp/wallet");
    const connection = chosen(command);
    const request = new connection.Request(command.operation, command.data);
    Object.assign(request.payload.validity, command.validity);
    if (command.resource) await request.authorize(await new Keystore(command.resource, ""));
    return payload(await request.send());
  },
  // The promise of notify() is never kept in 5.6.1.
  notify: (command) => { chosen(command).notify(command.data).catch(() => {}); },
  // A function body of the test's own, for what no command does.
  run: async (command) => {
    const Body = (async () => {}).constructor;
    return await new Body("connection", "data", "require", command.code)(chosen(command), command.data, require);
  },
  keepalive: async (command) => payload(await chosen(command).keepalive()),
  // Requests a number of times, `atOnce` of them open; answers with the seconds that it took.
  requests: async ({ operation, data, count, atOnce }) => {
    const start = performance.now();
    let left = count;
    const worker = async () => { while (left-- > 0) payload(await connections.at(-1).request(operation, data)); };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return (performance.now() - start) / 1000;
  },
  drop: (command) => drop(chosen(command), command.how),
  close: async (command) => {
    const closed = new Promise((resolve) => chosen(command).on("close", resolve));
    chosen(command).close();
    await closed;
  },
  closeTarget: async () => {
    const closed = new Promise((resolve) => target.on("close", resolve));
    target.close();
    await closed;
  },
  sessions: () => target.getSessions().length,
};

// The session comes a moment after the transport.
const ready = (connection) =>
  new Promise((resolve, reject) => {
    connection.on("ready", resolve);
    const ended = () => reject(Object.assign(new Error("the connection has ended"), { code: connection.closeErrorCode }));
    connection.on("end", ended);
  });

async function obey(line) {
  const { id, ...command } = JSON.parse(line);
  try {
    const value = await commands[command.do](command);
    if (id !== undefined) tell({ done: id, value });
  } catch (error) {
    if (id !== undefined) tell({ failed: id, error: told(error) });
  }
}

async function identity() {
  const { Keystore, IdKeystore } = require("dcp/wallet");
  return settings.identity ? await new Keystore(settings.identity, "") : await new IdKeystore(null, "");
}

async function description() {
  const { DcpURL } = require("dcp/dcp-url");
  const { Address } = require("dcp/wallet");
  const known = settings.peer ? { identity: { address: new Address(settings.peer) } } : {};
  return { location: new DcpURL(settings.location), ...known };
}

const connectionOptions = async () => ({ ...settings.options, identity: await identity() });

async function listen() {
  const { DcpURL } = require("dcp/dcp-url");
  const { Target } = require("dcp/protocol");
  const location = new DcpURL(settings.location);
  const owner = await identity();
  const listen = new URL(settings.location); // a DcpURL's port 0 would be 80
  const config = { location, listen, identity: owner };
  target = new Target(["socketio"], config, undefined, settings.options);
  clearTimeout(target.startupWatchDogTimer); // it ends the process where starting takes 5 s
  target.on("error", (error) => tell({ event: "error", error: told(error) }));
  target.on("connection", watch);
  target.on("listening", () => {
    allowPolling(target.httpServer, `${location.pathname}dcp5/socketio/`);
    const { port } = target.httpServer.address();
    tell({ event: "listening", port, address: String(owner.address) });
  });
}

async function start() {
  keepRunning(require("dcp/protocol"));
  if (settings.wire) watchWire(require("dcp/protocol"));
  if (settings.role === "target") await listen();
  else tell({ event: "ready", address: String((await identity()).address) });
  require("readline")
    .createInterface({ input: process.stdin })
    .on("line", obey)
    .on("close", () => process.exit(0));
}

require("dcp-client")
  .init({ progName: "dcp-peer", dcpConfig: { scheduler: { configLocation: false }, bundle: { location: false } } })
  .then(start)
  .catch((error) => process.stderr.write(`${error?.stack ?? error}\n`, () => process.exit(1)));
