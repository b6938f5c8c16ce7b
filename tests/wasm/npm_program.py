"""Runs a program of npm packages in a sandbox, or in Node with the same loader."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import dcp_evaluator as dcp
from node import run_node
from npm_packages import npm_packages

# CommonJS over sources by path, and the few globals of a worker by which these programs recognise a browser. `fetch`
# answers with the files that the job brought, as a job's network of one's own does.
_LOADER = """
(files) => {
  globalThis.self = globalThis;
  globalThis.location = new URL("job:/");
  globalThis.importScripts = () => { throw new Error("there is nothing to import"); };
  globalThis.fetch = async (name) => ({ ok: true, status: 200, arrayBuffer: async () => files[name].slice() });
  const loaded = new Map();
  const load = (path) => {
    if (loaded.has(path)) return loaded.get(path).exports;
    const module = { exports: {} };
    loaded.set(path, module);
    const from = path.split("/").slice(0, -1);
    const require = (name) => {
      const parts = [...from];
      for (const part of name.split("/")) part === ".." ? parts.pop() : part === "." || parts.push(part);
      const found = parts.join("/");
      return load([found, `${found}.js`, `${found}/index.js`].find((path) => path in files) ?? found);
    };
    if (typeof files[path] !== "string") throw new Error(`no file ${path}`);
    new Function("module", "exports", "require", files[path]).call(undefined, module, module.exports, require);
    return module.exports;
  };
  return load;
}
"""


def files_of(group: str, *names: str) -> dict[str, str | bytes]:
    """Files of packages by path below ``node_modules``: sources as text, others as bytes; a folder brings sources."""
    modules = npm_packages(group)
    paths: list[Path] = []
    for name in names:
        path = modules / name
        paths += sorted(path.rglob("*.js")) if path.is_dir() else [path]
    return {
        str(path.relative_to(modules)): path.read_text() if path.suffix in (".js", ".mjs") else path.read_bytes()
        for path in paths
    }


def run_in_sandbox(evaluator: dcp.Evaluator, program: str, files: dict[str, str | bytes]) -> Any:
    """What ``program``, the source of ``async (load, files) => value``, gives in a sandbox."""
    work = f"async (_, files) => ({program})(({_LOADER})(files), files)"
    (result,) = dcp.compute_for([0], work, files).local_exec(1, evaluator=evaluator, on_error="stop").wait()
    return result


def run_in_node(folder: Path, program: str, files: dict[str, str | bytes]) -> Any:
    """What ``program`` gives in Node; it must be representable in JSON."""
    (folder / "files.json").write_text(json.dumps({name: _for_json(data) for name, data in files.items()}))
    script = folder / "program.cjs"
    script.write_text(f"""
      const given = JSON.parse(require("fs").readFileSync({json.dumps(str(folder / "files.json"))}, "utf8"));
      const files = {{}};
      for (const [name, {{ text, base64 }}] of Object.entries(given)) {{
        files[name] = text ?? new Uint8Array(Buffer.from(base64, "base64")).buffer;
      }}
      const print = console.log;
      delete globalThis.process;
      ({program})(({_LOADER})(files), files).then((value) => print(JSON.stringify(value)));
    """)
    done = run_node(script)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def _for_json(data: str | bytes) -> dict[str, str]:
    if isinstance(data, str):
        return {"text": data}
    return {"base64": base64.b64encode(data).decode()}
