"""Python packages in the Pyodide worktime: modules of the package manager, which the supervisor supplies."""

from __future__ import annotations

import pytest
from dcp_programs import results, run_slices

from pyodide_packages import extension, package_module, wheel


@pytest.mark.timeout(240)
def test_a_work_function_imports_packages_with_what_they_depend_on_and_with_native_code(port: int) -> None:
    """Pyodide's lock file says which files the packages are, and that attrs needs six. The wheel of msgpack has, as
    numpy's has, native code: a module of WebAssembly that is linked to Pyodide's while it runs.
    """
    native = {"msgpack/_native.cpython-312-wasm32-emscripten.so": extension()}
    attrs = wheel("attrs", "23.2.0", {"attr/__init__.py": "import six\ndef double(x): return 2 * six.one(x)\n"})
    six = wheel("six", "1.16.0", {"six.py": "def one(x): return x\n"})
    msgpack = wheel("msgpack", "1.0.8", native | {"msgpack/__init__.py": "from ._native import half\n"})
    modules = [
        package_module("attrs", "attrs-23.2.0-py3-none-any.whl", attrs),
        package_module("six", "six-1.16.0-py2.py3-none-any.whl", six),
        package_module("msgpack", "msgpack-1.0.8-cp312-cp312-pyodide_2024_0_wasm32.whl", msgpack),
    ]
    source = """
import attr, dcp, msgpack
def work(x):
  dcp.progress(1)
  return [attr.double(x), msgpack.half(x), msgpack.half.__name__]
dcp.set_slice_handler(work)
"""
    job = {"workFunction": source, "arguments": [1], "worktime": {"name": "pyodide", "version": "0.26.0"}}
    assert results(run_slices(port, job, [5, 7], modules=modules)) == [[10, 2.5, "half"], [14, 3.5, "half"]]
