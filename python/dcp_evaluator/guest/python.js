// The worktime of Python: starts Pyodide in a template (native/runtime/js/template.js), with the packages that its jobs
// ask for, and gives their slices to driver.py. A value of Python is a string or an array of buffers (wire.py).
(async function (host, description) {
  "use strict";
  const { scripts, files, packages, guest, modules } = description;
  const BASE = "file:///python/";
  const FAILED = "!", REJECTED = "?"; // failures.py

  // What Pyodide's loader asks of a worker in a browser. It is taken away before a job runs.
  const path = (url) => {
    const name = String(url).slice(String(url).lastIndexOf("/") + 1);
    if (!Object.hasOwn(files, name)) throw new TypeError(`${name} is no file of this distribution`);
    return files[name];
  };
  const response = (url) => ({
    ok: true,
    status: 200,
    url: String(url),
    arrayBuffer: async () => host.readFile(path(url)),
    text: async () => host.readText(path(url)),
    json: async () => JSON.parse(host.readText(path(url))),
  });
  const hasModule = Object.hasOwn(files, "pyodide.asm.mjs"); // since 314
  const borrowed = {
    WorkerGlobalScope: { [Symbol.hasInstance]: () => true },
    location: new URL(BASE),
    fetch: async (url) => response(url),
    importScripts: hasModule ? undefined : (url) => void host.evaluate(path(url)),
  };
  const added = Object.keys(borrowed).filter((name) => !(name in globalThis));
  for (const name of added) {
    Object.defineProperty(globalThis, name, { value: borrowed[name], writable: true, configurable: true });
  }

  for (const script of scripts) host.evaluate(path(script));
  const options = {
    indexURL: BASE,
    stdin: () => null, // it has ended
    stdout: (text) => host.tell("log", text), // what C code writes; Python's own is console.py's
    stderr: (text) => host.tell("error", text),
  };
  if (hasModule) options.createPyodideModule = (await import("pyodide.asm.mjs")).default;
  const pyodide = await globalThis.loadPyodide(options);
  const failures = [];
  if (packages.length > 0) {
    await pyodide.loadPackage(packages, { messageCallback() {}, errorCallback: (text) => failures.push(text) });
    if (failures.length > 0) throw new Error(failures.join("; "));
  }

  const site = pyodide.runPython("import sysconfig; sysconfig.get_path('purelib')");
  for (const [name, file] of Object.entries(guest)) {
    const target = `${site}/${name}`;
    pyodide.FS.mkdirTree(target.slice(0, target.lastIndexOf("/")));
    pyodide.FS.writeFile(target, new Uint8Array(host.readFile(file)));
  }
  const driver = pyodide.pyimport("dcp_guest.driver");
  const { progress, work } = globalThis;
  driver.prepare(modules, { tell: host.tell, progress, emit: work.emit });
  for (const name of added) delete globalThis[name];
  globalThis.loadPyodide = globalThis._createPyodideModule = undefined; // of scripts: they cannot be deleted

  const { assign, run } = driver;
  let lent = []; // buffers of the last result, in Python's memory
  let fatal = null; // what has ended Python in this sandbox
  let onFatal = () => {};
  const { fatal_error: endPython } = pyodide._api;
  pyodide._api.fatal_error = (error) => {
    worktime.isBroken = true;
    fatal ??= error;
    return endPython(error);
  };
  pyodide._api.on_fatal = (error) => { // an Error always, unless the stack ended before
    fatal = error;
    onFatal(error);
  };

  function takeBack() {
    for (const buffer of lent) buffer.release();
    lent = [];
  }

  /** Views of Python's memory. When that grows while one is made, those before it have lost it. */
  function lend(proxies) {
    do {
      takeBack();
      for (const proxy of proxies) lent.push(proxy.getBuffer("u8"));
    } while (lent.some(({ data, nbytes }) => data.length < nbytes));
    for (const proxy of proxies) proxy.destroy();
    return lent.map(({ data }) => data);
  }

  function fail([, name, message, stack]) {
    const error = new Error(message);
    error.name = name;
    error.stack = stack;
    throw error;
  }

  /** What Python answers. `copies`: its memory may change before the value has left. */
  function taken(answer, copies) {
    if (typeof answer === "string") return answer;
    const items = [];
    for (let i = 0; i < answer.length; i++) items.push(answer.get(i));
    answer.destroy();
    if (items[0] === FAILED) fail(items);
    if (items[0] === REJECTED) work.reject(items[1], items[2]);
    const views = lend(items);
    return copies ? views.map((view) => view.slice()) : views;
  }

  async function awaited(answer) {
    const value = await new Promise((resolve, reject) => {
      onFatal = reject;
      answer.then(resolve, reject);
    });
    answer.destroy();
    return taken(value, true);
  }

  /** Calls Python. Where Python itself fails, and not the job's code, this sandbox is of no further use. */
  function call(body) {
    let answer;
    try {
      if (fatal === null) answer = body();
    } catch (error) {
      worktime.isBroken = true;
      throw error;
    }
    if (fatal !== null) throw fatal;
    return answer;
  }

  const worktime = {
    isBroken: false,
    assign(job) {
      const answer = call(() => assign(job.surroundings, job.workFunction, job.call));
      if (answer !== undefined) taken(answer, false);
      return (datum, index) => {
        const answer = call(() => {
          takeBack();
          return run(index, datum);
        });
        return typeof answer === "object" && typeof answer.then === "function" ? awaited(answer) : taken(answer, false);
      };
    },
  };
  return worktime;
})
