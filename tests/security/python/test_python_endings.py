"""Python that ends: by itself, by what is broken in its memory, by recursion, or never."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest
from python_target import Attacks, Fails, PythonTarget, error

import dcp_evaluator as dcp


def exits():
    import os

    os._exit(0)


def kills_itself():
    import os

    os.kill(os.getpid(), 9)


def aborts():
    import os

    os.abort()


def reads_beyond_memory():
    import ctypes

    return ctypes.string_at(0xFFFFFFF0, 64)


def calls_what_is_no_function():
    import ctypes

    return ctypes.CFUNCTYPE(ctypes.c_int)(12345678)()


def overwrites_none():
    import ctypes

    ctypes.memset(id(None), 255, 64)


def overwrites_everything():
    import ctypes

    ctypes.memset(0, 255, 20 << 20)


def drops_references_of_others():
    import ctypes

    for value in (True, (), "", b"", type, object):
        for _ in range(1000):
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(value))
    return [(), "", b""]


async def aborts_after_a_while():
    import asyncio
    import os

    await asyncio.sleep(0.001)
    os.abort()


async def exits_after_a_while():
    import asyncio
    import os

    await asyncio.sleep(0.001)
    os._exit(3)


def aborts_when_it_has_returned():
    import asyncio
    import os

    asyncio.get_event_loop().call_soon(os.abort)
    return 1


def recursion_through_javascript():
    from pyodide.ffi import create_proxy

    import js

    def again():
        return js.again()

    js.globalThis.again = create_proxy(again)
    return again()


def recursion_in_javascript():
    import js

    return js.eval("(function again() { return again(); })()")


def recursion_in_c():
    iterator = iter([1])
    for _ in range(200_000):
        iterator = map(int, iterator)
    return list(iterator)


def recursion_without_a_limit():
    class Value:
        def __lt__(self, other):
            return sorted([Value(), Value()])

    sys.setrecursionlimit(10**9)
    return sorted([Value(), Value()])


def recursion_of_json():
    import json

    return json.loads("[" * 10**6)


def recursion_of_pickle():
    import pickle

    nested = []
    for _ in range(10**5):
        nested = [nested]
    return len(pickle.dumps(nested))


def recursion_of_re():
    import re

    return re.compile("(" * 10**5 + ")" * 10**5)


def recursion_of_the_compiler():
    return eval("-" * 10**6 + "1")


def frees_what_is_nested():
    nested = []
    for _ in range(10**5):
        nested = [nested]
    del nested
    return 1


def takes_all_memory():
    taken = []
    while True:
        taken.append(bytearray(4 << 20))


def takes_all_memory_for_cycles():
    import gc

    gc.disable()
    while True:
        cycle = [bytearray(1 << 20)]
        cycle.append(cycle)


def fills_its_files():
    with Path("/tmp/large").open("wb") as file:
        while True:
            file.write(bytes(32 << 20))


def reads_a_bomb():
    import io
    import zipfile

    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(100 << 20))
    with zipfile.ZipFile(written) as archive:
        return [archive.read("bomb") for _ in range(4)]


ENDINGS: Attacks = {
    "os._exit": (exits, error(r"exit\(0\)")),
    "a signal": (kills_itself, error("exit")),
    "os.abort": (aborts, error("Aborted")),
    "memory that is not there": (reads_beyond_memory, error("memory access out of bounds")),
    "a function that is not there": (calls_what_is_no_function, error("")),
    "None is overwritten": (overwrites_none, error("")),
    "all memory is overwritten": (overwrites_everything, error("")),
    "references that others have": (drops_references_of_others, [(), "", b""]),
    "os.abort in a coroutine": (aborts_after_a_while, error("Aborted")),
    "os._exit in a coroutine": (exits_after_a_while, error(r"exit\(3\)")),
    "os.abort after the slice": (aborts_when_it_has_returned, 1),
    "recursion in JavaScript": (recursion_in_javascript, error("JsException: RangeError: Maximum call stack")),
    "recursion in C": (recursion_in_c, error("stack|table index|memory access")),
    "recursion without a limit": (recursion_without_a_limit, error("stack|table index|memory access")),
    "recursion of json": (recursion_of_json, error("RecursionError")),
    "recursion of pickle": (recursion_of_pickle, error("RecursionError")),
    "recursion of re": (recursion_of_re, error("RecursionError")),
    "recursion of the compiler": (recursion_of_the_compiler, error("MemoryError|RecursionError|SyntaxError")),
    "a nested list that goes": (frees_what_is_nested, 1),
    "memory": (takes_all_memory, error("MemoryError")),
    "memory that is never collected": (takes_all_memory_for_cycles, error("MemoryError")),
    "files": (fills_its_files, error("out of memory|allocation failed|MemoryError")),
    "a bomb of zip": (reads_a_bomb, error("MemoryError")),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_endings(pythons: PythonTarget, name: str) -> None:
    pythons.check(*ENDINGS[name])


@pytest.mark.engine("quickjs", "on V8 it goes on until the time of its slice is up")
def test_recursion_through_javascript(pythons: PythonTarget) -> None:
    """Its error is lost in so many calls, and the value that came of it was None."""
    pythons.check(recursion_through_javascript, error("stack"))


def test_a_bomb_in_the_jobs_files_and_inputs(pythons: PythonTarget) -> None:
    def unpacked(data):
        return len(gzip.decompress(data or Path("bomb.gz").read_bytes()))

    bomb = gzip.compress(bytes(1 << 30), 1)
    job = dcp.compute_for([b"", gzip.compress(b"x"), bomb, gzip.compress(b"xx")], unpacked)
    job.fs.add_bytes("bomb.gz", bomb)
    results = job.local_exec(1, evaluator=pythons.evaluator)
    assert results.values(default=None) == [None, 1, None, 2]
    assert {error.name for error in results.errors.values()} == {"MemoryError"}


def spins():
    while True:
        pass


def sleeps():
    import time

    time.sleep(10**6)


async def yields_for_ever():
    import asyncio

    while True:
        await asyncio.sleep(0)


def awaits_for_ever():
    class Endless:
        def __await__(self):
            while True:
                yield

    return Endless()


def swallows_everything():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


async def waits_for_nothing():
    import asyncio

    await asyncio.Event().wait()


@pytest.mark.parametrize("body", [spins, sleeps, yields_for_ever, awaits_for_ever, swallows_everything])
def test_what_never_ends_is_ended(pythons: PythonTarget, body: object) -> None:
    pythons.check(body, Fails("ETIMEOUT", "0.2 s"), slice_timeout=0.2)


def test_what_nothing_can_settle_is_an_error(pythons: PythonTarget) -> None:
    pythons.check(waits_for_nothing, error("nothing can settle"))
