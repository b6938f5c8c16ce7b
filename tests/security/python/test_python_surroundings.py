"""What Python code looks for around itself: the machine, the network, other processes, JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from python_target import Attacks, PythonTarget, error


def connects():
    import socket

    return socket.create_connection(("127.0.0.1", 80), timeout=1)


def listens():
    import socket

    server = socket.socket()
    server.bind(("127.0.0.1", 8080))
    server.listen()


def opens_an_address():
    import urllib.request

    return urllib.request.urlopen("http://127.0.0.1:1")


async def fetches():
    from pyodide.http import pyfetch

    return await pyfetch("http://127.0.0.1:1")


def opens_by_pyodide():
    from pyodide.http import open_url

    return open_url("file:///etc/passwd").read()


async def loads_a_package():
    import importlib

    import pyodide_js

    await pyodide_js.loadPackage("scikit-learn")
    return importlib.import_module("sklearn").__name__


def runs_a_program():
    import subprocess

    return subprocess.run(["/bin/true"], check=False)


def forks():
    import os

    return os.fork()


def executes():
    import os

    os.execv("/bin/true", ["true"])


def starts_a_thread():
    import threading

    threading.Thread(target=print).start()


def starts_processes():
    import multiprocessing

    return multiprocessing.Pool(2)


def asks_the_user():
    return input("password: ")


def mounts_the_host():
    import pyodide_js

    pyodide_js.FS.mkdir("/host")
    pyodide_js.FS.mount(pyodide_js.FS.filesystems.NODEFS, {"root": "/"}, "/host")


def loads_a_library():
    import ctypes

    return ctypes.CDLL("/lib/x86_64-linux-gnu/libc.so.6")


REFUSED: Attacks = {
    "a connection": (connects, error("OSError.*unreachable")),
    "a server": (listens, error("OSError")),
    "urllib": (opens_an_address, error("URLError")),
    "pyfetch": (fetches, error("not defined|not callable|fetch")),
    "open_url": (opens_by_pyodide, error("XMLHttpRequest")),
    "a package": (loads_a_package, error("No module named 'sklearn'|no files|fetch")),
    "subprocess": (runs_a_program, error("processes")),
    "os.fork": (forks, error("OSError|not implemented")),
    "os.execv": (executes, error("OSError")),
    "a thread": (starts_a_thread, error("can't start new thread")),
    "multiprocessing": (starts_processes, error("ModuleNotFoundError|OSError")),
    "input": (asks_the_user, error("EOFError")),
    "NODEFS": (mounts_the_host, error("")),
    "a library of the host": (loads_a_library, error("OSError")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(pythons: PythonTarget, name: str) -> None:
    pythons.check(*REFUSED[name])


def names_of_javascript():
    import js

    return list(js.Object.getOwnPropertyNames(js.globalThis))


def names_in_javascript(pythons: PythonTarget) -> set[str]:
    import dcp_evaluator as dcp

    source = "() => Object.getOwnPropertyNames(globalThis)"
    (names,) = dcp.compute_for([0], source).local_exec(1, evaluator=pythons.evaluator).values()
    return set(names)


def test_javascript_has_nothing_more_than_in_other_sandboxes(pythons: PythonTarget) -> None:
    """Besides two names of Pyodide's scripts that say nothing any more."""
    found = set(pythons.check(names_of_javascript, names_of_python(pythons)).outcome())
    assert found - names_in_javascript(pythons) <= {"_createPyodideModule", "loadPyodide", "pyodide"}


def names_of_python(pythons: PythonTarget) -> list[str]:
    return pythons.attack(names_of_javascript).outcome()  # type: ignore[no-any-return]


def what_pyodide_kept():
    import js

    names = ("fetch", "importScripts", "XMLHttpRequest", "WebSocket", "process", "require", "loadPyodide", "location")
    return [name for name in names if getattr(js, name, None) is not None]


def test_what_loaded_pyodide_is_gone(pythons: PythonTarget) -> None:
    pythons.check(what_pyodide_kept, [])


def everything_that_is_told():
    import pyodide_js

    import js

    told = [str(js.eval("new Error('x').stack"))]
    for call in (lambda: pyodide_js.loadPackage(js.eval("({})")), lambda: js.eval("null.x"), pyodide_js.FS.open):
        try:
            call()
        except Exception as failure:
            told += [str(failure), str(getattr(failure, "js_error", None) and failure.js_error.stack)]
    for name in ("_api", "_module"):
        told.append(str(js.JSON.stringify(js.Object.keys(getattr(pyodide_js, name)))))
    return "\n".join(told)


def test_no_path_of_this_machine_is_told(pythons: PythonTarget) -> None:
    """Stacks have the names of scripts, not where the user keeps them."""
    from python_distribution import python_folder

    told = pythons.attack(everything_that_is_told).outcome()
    assert "pyodide.asm.js" in told
    assert str(python_folder()) not in told
    assert not re.search(rf"{re.escape(str(Path.home()))}|site-packages/dcp_evaluator", told)


def files_outside():
    from pathlib import Path

    return [name for name in ("/etc", "/usr", "/root", "/proc/self/maps", "/sys") if Path(name).exists()]


def test_its_files_are_its_own(pythons: PythonTarget) -> None:
    pythons.check(files_outside, [])


POISONS = {
    "arrays": """
      const boom = () => { throw new Error("boom"); };
      for (const key of ["push", "map", "some", "slice"]) Array.prototype[key] = boom;
      Array.prototype[Symbol.iterator] = boom;
    """,
    "functions": """
      const boom = () => { throw new Error("boom"); };
      Function.prototype.call = Function.prototype.apply = Function.prototype.bind = boom;
      Reflect.apply = Reflect.get = Reflect.set = Reflect.ownKeys = boom;
    """,
    "promises": """
      const boom = () => { throw new Error("boom"); };
      Promise.prototype.then = Promise.resolve = boom;
      globalThis.Promise = boom;
    """,
    "all methods": """
      const boom = () => { throw new Error("boom"); };
      for (const Class of [Array, Map, Set, WeakMap, String, Number, Promise, Date, RegExp, Error, ArrayBuffer,
                           DataView, Uint8Array, Object.getPrototypeOf(Uint8Array), Object, Function]) {
        const keys = Reflect.ownKeys(Class.prototype);
        for (let i = 0; i < keys.length; i++) {
          if (keys[i] === "constructor" || keys[i] === "length") continue;
          try { Reflect.defineProperty(Class.prototype, keys[i], { configurable: true, get: boom }); } catch {}
        }
      }
    """,
    "every object has the names of results": """
      for (const key of ["then", "length", "get", "destroy", "getBuffer", "data", "nbytes", "isBroken"]) {
        Object.defineProperty(Object.prototype, key, { configurable: true, get() { throw new Error("got"); } });
      }
    """,
}  # fmt: skip


def poisons(source, is_async):
    import js

    js.eval(source)
    if not is_async:
        return [bytes(5000)]

    async def later():
        return [bytes(5000)]

    return later()


@pytest.mark.parametrize("name", POISONS)
@pytest.mark.parametrize("is_async", [False, True])
def test_poisoned_javascript(pythons: PythonTarget, name: str, is_async: bool) -> None:
    """The slice has its value or an error; the next one, which gives a number, is served here or in a new sandbox."""
    found = pythons.attack(poisons, POISONS[name], is_async, progress_timeout=5.0)
    outcome = found.outcome()
    assert outcome == [bytes(5000)] or outcome[0] in ("EWORK", "ESANDBOX", "ERESULT", "ENOPROGRESS"), outcome
    assert found.outcome(1) == 42 or found.outcome(1)[0] == "EWORK"


def poisons_python():
    import builtins
    import sys

    from dcp_guest import console, driver, failures, objects, wire

    def boom(*arguments, **keywords):
        raise SystemExit("boom")

    for module in (console, driver, failures, objects, wire):
        for name in list(vars(module)):
            if not name.startswith("__"):
                setattr(module, name, boom)
    for name in ("len", "isinstance", "type", "list", "str", "print", "getattr"):
        setattr(builtins, name, boom)
    sys.modules.clear()


def replaces_code():
    from dcp_guest import driver

    def run(index, value):
        return {}

    driver.run.__code__ = run.__code__


def replaces_streams():
    import sys

    from dcp_guest import console

    class Stream:
        def finish(self):
            raise KeyboardInterrupt("no console")

    sys.stdout = sys.stderr = None
    console._streams[:] = [Stream()]


def removes_its_job():
    from dcp_guest import driver

    driver._jobs.clear()


def sets_hooks():
    import sys

    def hook(*arguments):
        raise SystemExit("hook")

    sys.setprofile(hook)
    sys.settrace(hook)
    sys.excepthook = sys.unraisablehook = hook


@pytest.mark.parametrize("body", [poisons_python, replaces_code, replaces_streams, removes_its_job, sets_hooks])
def test_poisoned_python(pythons: PythonTarget, body: object) -> None:
    """What the job does to its own sandbox is the job's: each of its slices has a value or an error of its own."""
    found = pythons.attack(body)
    for index in (0, 1):
        outcome = found.outcome(index)
        assert outcome in (None, 42) or outcome[0] in ("EWORK", "ERESULT", "ESANDBOX"), outcome
