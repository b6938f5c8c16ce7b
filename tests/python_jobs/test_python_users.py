"""Python as its users meet it: random numbers that come again, a console that is printed, errors with remedies."""

from __future__ import annotations

import random
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp


def draw(count: int) -> tuple[list[float], list[float], list[float]]:
    own = np.random.default_rng()
    return [random.random() for _ in range(count)], list(np.random.rand(count)), [*own.random(count), own.normal()]


def test_random_numbers_are_a_function_of_seed_and_slice(pythons):
    job = dcp.compute_for([2] * 4, draw)
    first, again, other = (
        job.local_exec(sandboxes, seed=seed, evaluator=pythons).values() for sandboxes, seed in ((2, 7), (1, 7), (1, 8))
    )
    assert first == again
    numbers = [number for drawn in first + other for numbers in drawn for number in numbers]
    assert len(set(numbers)) == len(numbers)
    assert job.local_exec(1, evaluator=pythons).values() != job.local_exec(1, evaluator=pythons).values()


def say(x: int) -> int:
    print("row", x)
    print("to stderr", file=sys.stderr)
    warnings.warn("careful", stacklevel=1)
    print("no end of line", end="")
    return x


def test_what_it_prints_is_printed(pythons, capsys):
    assert dcp.compute_for([5], say).local_exec(1, evaluator=pythons).values() == [5]
    out, err = capsys.readouterr()
    assert out == "slice 0: row 5\nslice 0: no end of line\n"
    assert err.startswith("slice 0: to stderr\n")
    assert "UserWarning: careful" in err


def fail(what: str) -> Any:
    import socket
    import subprocess
    import threading

    if what == "module":
        import a_module_of_nobody  # type: ignore[import-not-found]

        return a_module_of_nobody
    if what == "file":
        return open("model.npy")  # noqa: PTH123
    if what == "thread":
        return threading.Thread(target=print).start()
    if what == "process":
        return subprocess.run(["ls"], check=True)
    if what == "network":
        return socket.create_connection(("192.0.2.1", 80))
    if what == "name":
        return progress(0.5)  # type: ignore[name-defined]  # noqa: F821
    if what == "memory":
        raise MemoryError
    return bytearray(1 << 33)


@pytest.mark.parametrize(
    ("what", "name", "remedy"),
    [
        ("module", "ModuleNotFoundError", "dcp-evaluator python add NAME"),
        ("file", "FileNotFoundError", "job.fs.add(PATH)"),
        ("thread", "RuntimeError", "a sandbox has one thread"),
        ("process", "OSError", "a sandbox starts no other programs"),
        ("network", "OSError", "a sandbox has no network"),
        ("name", "NameError", "there are dcp.progress(), dcp.emit() and so on"),
        ("memory", "MemoryError", "Python in a sandbox has 4 GiB at most"),
        ("size", "OverflowError", "Python in a sandbox has 4 GiB at most"),
    ],
)
def test_what_a_sandbox_lacks_is_told_with_a_remedy(pythons, what, name, remedy):
    error = dcp.compute_for([what], fail).local_exec(1, evaluator=pythons).wait().errors[0]
    assert (error.name, error.code) == (name, "EWORK")
    assert remedy in error.message
    assert "in fail" in error.stack, "and with the line"


def test_a_script_with_an_error_of_syntax_is_no_javascript(pythons):
    script = "import dcp\ndef work(x):\n    return x +* 1\ndcp.set_slice_handler(work)\n"
    with pytest.raises(dcp.JobError) as caught:
        dcp.compute_for([1], script).local_exec(1, evaluator=pythons).wait()
    assert str(caught.value).startswith("SyntaxError: invalid syntax (")
    assert "JavaScript" not in str(caught.value)


def import_by_the_other_name(x: int) -> bool:
    import dcp_evaluator

    return dcp_evaluator.progress(x)  # type: ignore[attr-defined,no-any-return]


def test_the_package_has_both_of_its_names_inside(pythons):
    assert dcp.compute_for([1], import_by_the_other_name).local_exec(1, evaluator=pythons).values() == [True]


def test_too_little_memory_for_python_says_so(monkeypatch):
    job = dcp.compute_for([1], import_by_the_other_name)
    with pytest.raises(ValueError, match="memory_limit must be a whole number of at least 67108864"):
        job.local_exec(memory_limit=32 << 20)
    # As with more modules, which need more than that.
    monkeypatch.setattr(type(job), "_LEAST_MEMORY", 8 << 20)
    with dcp.Evaluator() as evaluator:
        results = job.local_exec(1, memory_limit=8 << 20, evaluator=evaluator)
        with pytest.raises(
            dcp.ZygoteError,
            match=r"^Python with numpy cannot (.|\n)*modules may need more than the memory_limit of 8 MiB$",
        ):
            results.wait()


def test_a_slow_start_is_told(pythons, monkeypatch):
    """Where the module is not loaded yet, and the patience is short."""
    told: list[str] = []
    monkeypatch.setattr("dcp_evaluator.supervision.local.notice", told.append)
    monkeypatch.setattr("dcp_evaluator.supervision.local._SLOW", 0.001)
    job = dcp.compute_for([1], import_by_the_other_name)
    job.modules = ["six"]
    assert job.local_exec(1, evaluator=pythons).values() == [True]
    assert told == ["loading Python with numpy and six (the first time its modules are compiled, and kept)"]
    assert job.local_exec(1, evaluator=pythons).values() == [True]


def forget(x: int) -> None:
    x * 2


def test_a_forgotten_return_is_told_of_python_too(pythons, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr("dcp_evaluator.jobs.run.notice", told.append)
    assert dcp.compute_for([1, 2], forget).local_exec(1, evaluator=pythons).values() == [None, None]
    assert told == ["every result is None: the work function has no `return`"]
