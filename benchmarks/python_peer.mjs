// python_peer.mjs FOLDER PROGRAMS: Node with the same Pyodide, as a peer of Python work functions. It prints JSON:
// milliseconds from the start of Node to the first result with numpy, and of each program of PROGRAMS, a Python file.
import { readFileSync } from "node:fs";

const [folder, programs] = process.argv.slice(2);
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
const pyodide = await loadPyodide({ indexURL: folder });
const quiet = { messageCallback() {} };
await pyodide.loadPackage(["numpy"], quiet);
pyodide.runPython("import numpy as np\nfloat(np.sum(np.arange(5)))");
const first = performance.now();
const told = { first };
if (programs !== undefined) {
  await pyodide.loadPackage(["numpy", "scipy", "pandas", "sqlite3"], quiet);
  pyodide.runPython(readFileSync(programs, "utf8"));
  told.programs = pyodide.runPython("measured()").toJs({ dict_converter: Object.fromEntries });
}
console.log(JSON.stringify(told));
process.exit(0);
