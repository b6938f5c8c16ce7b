"""Python packages in the Pyodide worktime: modules of the package manager, which the supervisor supplies."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest
from dcp_programs import run_slices
from test_dcp_sandbox import results

_PYODIDE = "0.26.4"
"""The version within dcp-client 4.4.29."""


def wheel(name: str, version: str, files: dict[str, str | bytes]) -> bytes:
    """A wheel, whose parts are what an installer needs."""
    folder = f"{name}-{version}.dist-info"
    described = {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{folder}/RECORD": "",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in (files | described).items():
            archive.writestr(path, content)
    return buffer.getvalue()


def package_module(name: str, file: str, content: bytes) -> tuple[list[str], dict[str, Any]]:
    """What the package manager gives for a package of Pyodide: a module that puts its wheel where Pyodide looks."""
    module = f"pyodide-{_PYODIDE}-{name}"
    source = f"""module.declare([], function (require, exports, module) {{
      globalThis.DATA[{json.dumps(file)}] = {json.dumps(base64.b64encode(content).decode())};
      exports.readyPromise = Promise.resolve();
    }});"""
    return [f"{module}/{module}.js"], {module: {f"{module}.js": source}}


@pytest.mark.timeout(240)
def test_a_work_function_imports_a_package_and_what_that_depends_on(port: int) -> None:
    """Pyodide's lock file says that attrs needs six, and which files they are."""
    attrs = wheel("attrs", "23.2.0", {"attr/__init__.py": "import six\ndef double(x): return 2 * six.one(x)\n"})
    six = wheel("six", "1.16.0", {"six.py": "def one(x): return x\n"})
    modules = [
        package_module("attrs", "attrs-23.2.0-py3-none-any.whl", attrs),
        package_module("six", "six-1.16.0-py2.py3-none-any.whl", six),
    ]
    source = """
import attr, dcp
def work(x):
  dcp.progress(1)
  return attr.double(x)
dcp.set_slice_handler(work)
"""
    job = {"workFunction": source, "arguments": [1], "worktime": {"name": "pyodide", "version": "0.26.0"}}
    assert results(run_slices(port, job, [4, 5], modules=modules)) == [8, 10]
