"""Scripts of WebAssembly for ``dcp-evaluator --shell``, and modules that several of them use.

A script finds its modules in ``modules``, and puts what it saw on ``results``, which comes back through JSON.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import wasmtime

from cli_driver import run_script

PRELUDE = """
const results = {};
/** The name of what run() throws, or "nothing". */
const thrown = (run) => {
  try {
    run();
    return "nothing";
  } catch (error) {
    return error?.name ?? `no error: ${String(error)}`;
  }
};
const caught = (run) => {
  try {
    run();
  } catch (error) {
    return error;
  }
};
const rejected = (promise) => promise.then(() => "nothing", (error) => error.name);
const compile = (name) => new WebAssembly.Module(modules[name]);
const exportsOf = (name, imports) => new WebAssembly.Instance(compile(name), imports).exports;
const attributes = (object, key) => {
  const { writable, enumerable, configurable, get, set } = Object.getOwnPropertyDescriptor(object, key);
  const flags = [writable && "w", enumerable && "e", configurable && "c", get && "get", set && "set"];
  return flags.filter(Boolean).join(" ");
};
"""


def wasm(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def shell(
    tmp_path: Path, script: str, modules: dict[str, str | bytes], *options: str
) -> subprocess.CompletedProcess[str]:
    """Runs ``script`` in a fresh sandbox; ``modules``: text or bytes by name."""
    binaries = {name: wasm(module) if isinstance(module, str) else module for name, module in modules.items()}
    literals = ", ".join(f"{name}: new Uint8Array({list(data)})" for name, data in binaries.items())
    return run_script(tmp_path, f"const modules = {{ {literals} }};\n{PRELUDE}\n{script}", *options)


def see(tmp_path: Path, script: str, *options: str, **modules: str | bytes) -> dict[str, Any]:
    """The object ``results`` of ``script``, which must end well; it may await."""
    body = f"(async () => {{\n{script}\n}})().then(() => print(JSON.stringify(results)));"
    done = shell(tmp_path, body, modules, *options)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


EMPTY = "(module)"
ADD = '(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))'
EVERYTHING = """(module
  (func $f (export "f") (export "again") (param i32 i64) (result i32) local.get 0)
  (memory (export "m") 1) (table (export "t") 3 funcref) (elem (i32.const 0) $f)
  (global (export "g") (mut i32) (i32.const 5)) (tag (export "e") (param i32))
  (func (export "0") nop))"""
VALUES = """(module
  (func (export "i32") (param i32) (result i32) local.get 0) (func (export "i64") (param i64) (result i64) local.get 0)
  (func (export "f32") (param f32) (result f32) local.get 0) (func (export "f64") (param f64) (result f64) local.get 0)
  (func (export "many") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    local.get 3 local.get 2 local.get 1 local.get 0)
  (func (export "i32u") (param i32) (result i64) local.get 0 i64.extend_i32_u))"""
MEMORY_USER = """(module {memory}
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "load") (param i32) (result i32) local.get 0 i32.load)
  (func (export "store") (param i32 i32) local.get 0 local.get 1 i32.store))"""
