"""Work functions in Python: values, what they see of the job, console, failures, files, random numbers."""

from __future__ import annotations

import logging
import random
import sys
import warnings
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp
from dcp_evaluator.distribution.places import installed
from dcp_evaluator.jobs.preparation import prepare
from npm_packages import npm_packages

FACTOR = 3


def helper(x: Any) -> Any:
    return x * FACTOR


def test_arrays_keep_their_shape_and_type(compute):
    rows = np.random.default_rng(1).random((5, 4, 6)).astype(np.float32)

    def spectrum(row, gain, *, offset):
        return np.fft.rfft2(row) * gain + offset

    values = compute(rows, spectrum, 2.0, offset=1j)
    assert {value.shape for value in values} == {(4, 4)}
    np.testing.assert_allclose(np.array(values), np.fft.rfft2(rows) * 2.0 + 1j, rtol=1e-6)


def test_values_keep_their_types(compute):
    values = [2, 2.0, -0.0, True, None, "ä\ud800", 2**200, 1 + 2j, (1, [2]), {1: {2}}, b"\0", Decimal("1.10"), range(3)]
    back = compute(values, lambda x: (type(x).__name__, x))
    assert back == [(type(value).__name__, value) for value in values]
    assert str(back[2][1]) == "-0.0"


def test_what_a_function_uses_comes_along(compute):
    offset = 10
    assert compute([1, 2], lambda x: helper(x) + offset) == [13, 16]


@pytest.mark.parametrize(("chosen", "used"), [("auto", "quickjs"), ("v8", "v8")])
def test_the_engine_below_python(chosen: str, used: str):
    with dcp.Evaluator(engine=chosen) as evaluator:
        job = dcp.compute_for([1], lambda x: x + 1)
        assert list(job.local_exec(1, evaluator=evaluator)) == [2]
        assert (evaluator.engine, job.metrics.engines) == ("v8", {used})


def test_a_script_with_a_slice_handler(compute, tmp_path):
    source = (
        "import dcp\nseen = []\ndef work(x):\n    seen.append(x)\n    return len(seen)\ndcp.set_slice_handler(work)\n"
    )
    path = tmp_path / "work.py"
    path.write_text(source)
    assert compute([5, 5], source) == compute([5, 5], path) == compute([5, 5], str(path)) == [1, 2]


def test_a_coroutine_is_awaited(compute):
    async def work(x):
        import asyncio

        await asyncio.sleep(0.01)
        return np.full(70_000, x)

    values = compute([1, 2], work)
    assert [(value.shape, value.min(), value.max()) for value in values] == [((70_000,), 1, 1), ((70_000,), 2, 2)]


def test_asyncio_run_waits_for_what_python_brings(compute):
    def work(x):
        import asyncio

        async def times(factor):
            await asyncio.sleep(0.01)
            return factor * x

        async def forever():
            await asyncio.Future()

        async def both():
            return await asyncio.gather(times(2), times(3))

        try:
            asyncio.run(forever())
        except RuntimeError as error:
            return [*asyncio.run(both()), str(error)[:42]]

    assert compute([5], work) == [[10, 15, "asyncio.run() waits for what never comes: "]]


def test_events_and_what_the_job_is_told(pythons):
    def work(x):
        dcp.progress({"at": (x, 0.5)})
        dcp.emit("array", np.arange(x))
        return dcp.public["name"]

    job = dcp.compute_for([3], work)
    job.public["name"] = "mine"
    progress, emitted = [], []
    job.on("progress", progress.append)
    job.work.on("array", emitted.append)
    assert job.local_exec(evaluator=pythons).values() == ["mine"]
    assert [event.value for event in progress] == [{"at": (3, 0.5)}]
    assert emitted[0].value.tolist() == [0, 1, 2]


def test_the_console(pythons):
    def work(x):
        print("one", x, end="")
        print("!\ntwo")
        print("three", file=sys.stderr, end="")
        logging.warning("four %d", x)
        logging.getLogger("mine").error("five")
        logging.info("nobody asked for this")
        warnings.warn("six", stacklevel=1)

    job = dcp.compute_for([7], work)
    told = []
    job.on("console", told.append)
    job.local_exec(evaluator=pythons).values()
    assert {event.index for event in told} == {0}
    lines = [(event.level, event.message) for event in told]
    for line in [("log", "one 7!"), ("log", "two"), ("warn", "four 7"), ("error", "five"), ("error", "three")]:
        assert lines.count(line) == 1, line
    assert any(level == "warn" and "six" in text for level, text in lines)
    assert not any("nobody" in text for _, text in lines)


def test_failures_have_name_message_and_traceback(pythons):
    def broken(x):
        if x == 0:
            return {}["missing"]
        if x == 1:
            sys.exit("enough")
        if x == 2:
            raise KeyboardInterrupt
        if x == 3:
            return broken(3)
        if x == 4:
            return object()
        return x

    results = dcp.compute_for(range(6), broken).local_exec(sandboxes=1, evaluator=pythons)
    assert results.values(errors="skip") == [5]
    errors = results.errors
    assert {index: error.name for index, error in errors.items()} == {
        0: "KeyError", 1: "SystemExit", 2: "KeyboardInterrupt", 3: "RecursionError", 4: "TypeError",
    }  # fmt: skip
    assert errors[1].message == "enough"
    assert "object" in errors[4].message
    line = broken.__code__.co_firstlineno + 2
    assert f'test_python_jobs.py", line {line}, in broken\n    return {{}}["missing"]' in errors[0].stack
    assert "driver.py" not in errors[0].stack


def test_a_slice_may_be_given_back(pythons):
    results = dcp.compute_for([1], lambda x: dcp.reject("not for me")).local_exec(evaluator=pythons)
    assert results.values(errors="skip") == []
    assert (results.errors[0].code, results.errors[0].message) == (
        "EWORKREJECT", "the work function rejected its slice: not for me",
    )  # fmt: skip


def test_files_and_environment(pythons, tmp_path):
    def work(name):
        import os
        from pathlib import Path

        return Path(name).read_bytes(), os.environ["MODE"]

    (tmp_path / "model.npy").write_bytes(b"\x93NUMPY" * 30_000)
    job = dcp.compute_for(["model.npy", "data/more.txt"], work)
    job.fs.add(tmp_path / "model.npy")
    job.fs.add_bytes("data/more.txt", b"")
    job.env["MODE"] = "fast"
    assert job.local_exec(evaluator=pythons).values() == [(b"\x93NUMPY" * 30_000, "fast"), (b"", "fast")]
    for name in ("/etc/passwd", "../up", ""):
        with pytest.raises(ValueError, match="below its working directory"):
            job.fs.add_bytes(name, b"")


def test_random_numbers_differ_and_may_be_repeated(pythons):
    def draw(x):
        return random.random(), float(np.random.rand()), float(np.random.default_rng().random())

    job = dcp.compute_for(range(4), draw)
    first, second = (job.local_exec(sandboxes=2, evaluator=pythons).values() for _ in range(2))
    drawn = [number for value in first + second for number in value]
    assert len(set(drawn)) == len(drawn)
    seeded = [job.local_exec(sandboxes=n, evaluator=pythons, seed=42).values() for n in (1, 2)]
    assert [value[:2] for value in seeded[0]] == [value[:2] for value in seeded[1]]
    assert len({value[0] for value in seeded[0]}) == 4


def test_a_module_that_there_is_not(pythons):
    job = dcp.compute_for([1], lambda x: x)
    job.modules = ["scypy"]
    with pytest.raises(dcp.DcpError, match="scipy"):
        job.local_exec(evaluator=pythons)


def test_without_a_distribution_the_command_is_named(pythons, monkeypatch, tmp_path):
    monkeypatch.setenv("DCP_EVALUATOR_PYTHON", str(tmp_path))
    with pytest.raises(dcp.InstallationError, match="dcp-evaluator python install"):
        dcp.compute_for([1], lambda x: x).local_exec(evaluator=pythons)


def test_an_input_that_cannot_travel_fails_alone(pythons):
    results = dcp.compute_for([1, object(), 3], lambda x: x).local_exec(evaluator=pythons)
    assert results.values(default=None) == [1, None, 3]
    assert results.errors[1].code == "EINPUT"


def test_out_of_memory_is_the_slices_error(pythons):
    def work(size):
        return len(bytearray(size))

    results = dcp.compute_for([10, 1 << 30, 20], work).local_exec(
        sandboxes=1, evaluator=pythons, memory_limit=300 << 20
    )
    assert results.values(default=None) == [10, None, 20]
    assert results.errors[1].name == "MemoryError"


def test_a_release_may_be_named(pythons, monkeypatch):
    def version(x):
        return sys.version_info[:2], x

    monkeypatch.setenv("DCP_EVALUATOR_PYTHON", str(npm_packages("webassembly") / "pyodide"))
    job = dcp.compute_for([1.5], version)
    job.worktimeVersion = "314.0.7"
    assert job.local_exec(evaluator=pythons).values() == [((3, 14), 1.5)]
    job.worktimeVersion = "0.27.7"
    with pytest.raises(dcp.InstallationError, match=r"no Pyodide 0\.27\.7 is installed"):
        job.local_exec(evaluator=pythons)


def test_what_was_compiled_ahead_is_what_templates_load(monkeypatch, tmp_path):
    for path in installed().core().values():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.setenv("DCP_EVALUATOR_PYTHON", str(tmp_path))

    def place(x):
        import textwrap

        return textwrap.__file__, textwrap.dedent(x)

    told = []
    with dcp.Evaluator() as evaluator:
        assert prepare(installed(), evaluator, told.append) == 1
        assert prepare(installed(), evaluator, told.append) == 0
    assert told == ["python_stdlib.zip is compiled (1 of 1)"]
    with dcp.Evaluator() as evaluator:
        (answer,) = dcp.compute_for(["  x"], place).local_exec(evaluator=evaluator).values()
    assert answer == ("/lib/python312.zip/textwrap.pyc", "x")


def test_results_that_are_taken_as_they_come(pythons):
    job = dcp.compute_for(range(50), lambda x: (np.full(3, x), {x}))
    results = job.local_exec(2, evaluator=pythons, keep=False)
    for index, (array, numbers) in results.items():
        assert (array.tolist(), numbers) == ([index] * 3, {index})
    with pytest.raises(dcp.NotKeptError, match="each of its results has been taken"):
        list(results)
