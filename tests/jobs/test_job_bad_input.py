"""What a program can get wrong with a job: each mistake gives one clear error, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp
from process_tree import descendants, is_running
from zygote_control import wait_until


@pytest.mark.parametrize(
    ("source", "name", "message", "line"),
    [
        ("(x) => {\n  return x +;\n}", "SyntaxError", "nexpected token", "work-function.js:2"),
        ("(x) => {", "SyntaxError", "", ""),
        ("return 1", "SyntaxError", "", ""),
        ("42", "TypeError", "the work function is no function but number", ""),
        ("({})", "TypeError", "the work function is no function but object", ""),
        ("// nothing", "", "", ""),
        ("undefinedName", "ReferenceError", "undefinedName is not defined", "work-function.js:1"),
        ("(() => { throw new RangeError('at once'); })()", "RangeError", "at once", "work-function.js:1"),
        ("import 'x';\n(x) => x", "SyntaxError", "", ""),
    ],
)
def test_work_functions_that_are_none(evaluator, source, name, message, line):
    results = dcp.compute_for([1, 2], source).local_exec(2, evaluator=evaluator)
    with pytest.raises(dcp.JobError) as caught:
        results.wait(20)
    assert name in caught.value.name
    assert message in caught.value.message
    assert line in caught.value.stack
    assert list(dcp.compute_for([1], "(x) => x").local_exec(1, evaluator=evaluator)) == [1]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((5, "(x) => x"), TypeError, "inputs must be an iterable or a numpy array, not int"),
        ((None, "(x) => x"), TypeError, "inputs must be an iterable or a numpy array, not NoneType"),
        ((np.array(5), "(x) => x"), TypeError, "without rows"),
        (([1], 5), TypeError, "must be a Python function, source of JavaScript or the path of a file, not int"),
        (([1], None), TypeError, "must be a Python function, source of JavaScript or the path of a file, not NoneType"),
        (([1], "".join), TypeError, "not written in Python"),
        (([1], ""), ValueError, "is empty"),
        (([1], " \n"), ValueError, "is empty"),
        (([1], "missing.js"), FileNotFoundError, r"missing\.js"),
        (([1], Path("/")), IsADirectoryError, "'/'"),
    ],
)
def test_jobs_that_cannot_be_made(arguments, kind, message):
    with pytest.raises(kind, match=message):
        dcp.compute_for(*arguments)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "work.js"
    path.write_bytes(b"(x) => '\xff'")
    with pytest.raises(ValueError, match=r"work\.js is not UTF-8 text"):
        dcp.compute_for([1], path)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"sandboxes": 0}, ValueError, "sandboxes must be a whole number of at least 1, not 0"),
        ({"sandboxes": -1}, ValueError, "not -1"),
        ({"sandboxes": 1.5}, ValueError, r"not 1\.5"),
        ({"sandboxes": "2"}, ValueError, "not '2'"),
        ({"sandboxes": True}, ValueError, "not True"),
        ({"progress_timeout": 0}, ValueError, "progress_timeout must be a positive number of seconds or None, not 0"),
        ({"progress_timeout": float("nan")}, ValueError, "not nan"),
        ({"progress_timeout": "1"}, ValueError, "not '1'"),
        ({"on_error": "ignore"}, ValueError, 'on_error must be "continue" or "stop", not \'ignore\''),
        ({"retries": -1}, ValueError, "retries must be a whole number of at least 0, not -1"),
        ({"memory_limit": 1}, ValueError, "memory_limit must be a whole number of at least 8388608, not 1"),
        ({"result_limit": 0}, ValueError, "result_limit must be a whole number of at least 1, not 0"),
        ({"evaluator": "local"}, TypeError, r"evaluator must be a dcp_evaluator\.Evaluator, not str"),
    ],
)
def test_options_that_make_no_sense(options, kind, message):
    with pytest.raises(kind, match=message):
        dcp.compute_for([1], "(x) => x").local_exec(**options)


def test_arguments_that_cannot_be_sent(evaluator):
    with pytest.raises(TypeError, match="set cannot be sent to a sandbox"):
        dcp.compute_for([1], "(x) => x", {1}).local_exec(1, evaluator=evaluator)
    job = dcp.compute_for([1], "(x) => x")
    job.public = {"f": print}
    with pytest.raises(TypeError, match="builtin_function_or_method cannot be sent"):
        job.local_exec(1, evaluator=evaluator)
    assert job.ready_state == "new"


def test_arrays_without_a_typed_array(evaluator):
    with pytest.raises(TypeError, match="complex128 has no typed array in JavaScript; send the real"):
        dcp.compute_for(np.zeros((2, 2), complex), "(x) => x").local_exec(1, evaluator=evaluator)


def test_inputs_that_raise(evaluator):
    def inputs() -> Iterator[int]:
        yield 1
        raise LookupError("no more data")

    results = dcp.compute_for(inputs(), "(x) => x").local_exec(1, evaluator=evaluator)
    with pytest.raises(LookupError, match="no more data"):
        results.wait(20)
    with pytest.raises(LookupError, match="no more data"):
        list(results)


# --- How programs end ---

PROGRAM = """
import threading
import dcp_evaluator as dcp
job = dcp.compute_for(range(4), "(x) => { progress(); for (;;); }")
runs = threading.Event()
job.on("progress", lambda event: (print("runs", flush=True), runs.set()))
results = job.local_exec(2)
"""


def start_program(last_line: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM + last_line]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "runs\n"
    return program


@pytest.mark.parametrize("last_line", ["list(results)", "results.wait()", "results[2]"])
def test_ctrl_c_ends_a_program_and_leaves_no_process(last_line):
    with start_program(last_line) as program:
        processes = descendants(program.pid)
        assert len(processes) >= 2, "the zygote and a sandbox"
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=60)
    assert program.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert "KeyboardInterrupt\nOnly the wait was interrupted" in errors
    wait_until(lambda: not any(map(is_running, processes)), "zygote and sandboxes are gone")


def test_a_killed_program_leaves_no_process():
    with start_program("results.wait()") as program:
        processes = descendants(program.pid)
        program.kill()
    wait_until(lambda: not any(map(is_running, processes)), "zygote and sandboxes are gone")


def test_a_program_that_raises_does_not_wait_for_its_jobs():
    with start_program("runs.wait()\nraise SystemError('own fault')") as program:
        _, errors = program.communicate(timeout=60)
    assert program.returncode == 1
    assert errors.rstrip().endswith("SystemError: own fault")


def test_a_program_that_ends_waits_for_its_jobs():
    program = (
        "import dcp_evaluator as dcp\n"
        "job = dcp.compute_for(range(20), '(x) => x')\n"
        "job.on('complete', lambda results: print(list(results)))\n"
        "job.local_exec(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr, done.returncode) == (f"{list(range(20))}\n", "", 0)


def test_an_installation_without_its_programs(tmp_path: Path, engine: str):
    program = (
        "import dcp_evaluator as dcp, os\n"
        "os.access = lambda *_: False\n"
        "try:\n"
        "    dcp.compute_for([1], '(x) => x').local_exec(1).wait()\n"
        "except dcp.InstallationError as error:\n"
        "    print(error)\n"
    )
    environment: dict[str, Any] = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False, env=environment
    )
    missing = "the program dcp-zygote is missing from this installation; install dcp-evaluator again\n"
    assert done.stdout == missing or (engine == "v8" and "has no program" in done.stdout)
    assert done.stderr == ""
