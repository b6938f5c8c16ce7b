// Python of DCP's worktime "pyodide". dcp-client's start-up files bring it: their pyodideInit() starts it once, and gives
// it to the code that a job's lines call. `ahead`: it is started here, for all sandboxes of this zygote. Either way the
// sandbox's owner hears when a job asks for it.
(async function (host, description) {
  "use strict";
  const { ahead } = description;
  const start = globalThis.pyodideInit;
  if (typeof start !== "function") return null;

  // The worktime itself imports these before a job's first line. What is frozen stays shared between forks: the garbage
  // collector does not write to it.
  const PREPARE = `
import ast, gc, importlib.util, io, os, pyodide.code, random, sys, tarfile
gc.collect()
gc.freeze()`;
  // What was drawn is the same in all forks. dcp-client 4 gives Python no random bytes, so that there all of its jobs, of
  // every worker, draw the same numbers: they still do.
  const SOW = "import random; random.seed()";
  const hasEntropy = () => {
    const bytes = new Uint8Array(16);
    globalThis.crypto.getRandomValues(bytes);
    return bytes.some((byte) => byte !== 0);
  };

  /** Leaves no names in what the job has as its globals. */
  function run(pyodide, source) {
    const globals = pyodide.toPy({});
    pyodide.runPython(source, { globals });
    globals.destroy();
  }

  /** What Python adds to the global object is taken away until a job asks for Python: what DCP's files hide from jobs is
   * then the same. */
  async function startAhead() {
    const before = new Set(Object.keys(Object.getOwnPropertyDescriptors(globalThis)));
    run(await start(), PREPARE);
    const added = Object.entries(Object.getOwnPropertyDescriptors(globalThis)).filter(([name]) => !before.has(name));
    for (const [name] of added) delete globalThis[name];
    return Object.fromEntries(added);
  }

  const added = ahead ? await startAhead() : null;
  let isFresh = true;
  async function pyodideInit() {
    if (!isFresh) return start();
    isFresh = false;
    host.tellOfPython();
    const pyodide = await start();
    if (ahead) {
      Object.defineProperties(globalThis, added);
      if (hasEntropy()) run(pyodide, SOW);
    }
    return pyodide;
  }
  globalThis.pyodideInit = pyodideInit;
  return null;
})
