"""Results as people use them: lengths, ways to read, bars, notebooks, tables, interrupted waits."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.jobs.console_printer import ConsolePrinter
from dcp_evaluator.jobs.progress_bar import ProgressBar, bar_text

FAILING = "(x, failing) => { if (failing.includes(x)) throw new RangeError(`not <${x}>`); return 10 * x; }"


def run(evaluator: dcp.Evaluator, inputs: Any, work_function: Any, *arguments: Any, **options: Any) -> dcp.Results:
    return dcp.compute_for(inputs, work_function, *arguments).local_exec(evaluator=evaluator, **options)


def gated(gate: threading.Event, numbers: Any) -> Iterator[int]:
    yield from numbers
    assert gate.wait(60)


# --- Lengths ---


class Sized:
    """Inputs with a length, of which the last comes when the gate opens."""

    def __init__(self, gate: threading.Event, count: int) -> None:
        self._gate, self._count = gate, count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return gated(self._gate, range(self._count))


def test_the_length_of_sized_inputs_is_known_at_once(evaluator):
    gate = threading.Event()
    results = run(evaluator, Sized(gate, 3), "(x) => x", sandboxes=1)
    assert len(results) == 3
    assert results[-3:-1] == [0, 1]
    assert not results.done
    assert re.fullmatch(r"<dcp_evaluator.Results running, \d of 3 arrived, 0 failed>", repr(results))
    gate.set()
    assert list(results) == [0, 1, 2]


def test_the_length_of_others_is_known_at_the_end(evaluator):
    gate = threading.Event()
    results = run(evaluator, gated(gate, range(3)), "(x) => x", sandboxes=1)
    assert results[0] == 0
    assert " of " not in repr(results)
    gate.set()
    assert len(results) == 3
    assert repr(results.wait()) == "<dcp_evaluator.Results done, 3 of 3 arrived, 0 failed>"


# --- Ways to read ---


def test_what_becomes_of_failed_slices_in_each_way_to_read(evaluator):
    results = run(evaluator, range(4), FAILING, [1, 2], sandboxes=2)
    with pytest.raises(dcp.SliceError, match="slice 1: RangeError: not <1>"):
        results.values()
    with pytest.raises(dcp.SliceError, match="slice 1: RangeError: not <1>"):
        list(results.items())
    errors = results.errors
    assert results.values(default=None) == [0, None, None, 30]
    assert results.values(errors="skip") == [0, 30]
    assert results.values(errors="yield") == [0, errors[1], errors[2], 30]
    assert list(results.items(errors="skip")) == [(0, 0), (3, 30)]
    assert list(results.items(errors="yield")) == [(0, 0), (1, errors[1]), (2, errors[2]), (3, 30)]


def test_the_same_ways_without_blocking(evaluator):
    async def read(results: dcp.Results) -> tuple[Any, Any, Any]:
        in_order = [pair async for pair in results.items(errors="skip")]
        arrived = [pair async for pair in results.as_completed(errors="yield")]
        with pytest.raises(dcp.SliceErrorGroup, match="1 of 3 slices failed"):
            [pair async for pair in results.as_completed()]
        return in_order, dict(arrived), results.errors

    in_order, arrived, errors = asyncio.run(read(run(evaluator, range(3), FAILING, [1], sandboxes=2)))
    assert in_order == [(0, 0), (2, 20)]
    assert arrived == {0: 0, 1: errors[1], 2: 20}


def test_words_that_say_nothing(evaluator):
    results = run(evaluator, [1], "(x) => x")
    for read in (results.items, results.values):
        with pytest.raises(ValueError, match="errors is one of 'raise', 'skip', 'yield', not 'ignore'"):
            read(errors="ignore")
    with pytest.raises(ValueError, match="default or errors, not both"):
        results.values(default=0, errors="skip")


def test_reading_again_does_not_make_tracebacks_longer(evaluator):
    results = run(evaluator, [0], "() => { throw new Error('once'); }").wait()

    def depth() -> int:
        with pytest.raises(dcp.SliceError) as caught:
            results[0]
        return len(caught.traceback)

    assert depth() == depth()


def test_a_callbacks_traceback_has_its_own_lines_and_the_wait(evaluator):
    job = dcp.compute_for([0], "(x) => x")
    job.on("result", lambda event: 1 / 0)
    with pytest.raises(ZeroDivisionError) as caught:
        job.local_exec(1, evaluator=evaluator).wait()
    names = [entry.name for entry in caught.traceback]
    assert names[0] == "test_a_callbacks_traceback_has_its_own_lines_and_the_wait"
    assert names[-1] == "<lambda>"
    assert len(names) <= 5


# --- Bars, notebooks, tables ---


def test_a_bar_until_the_end(evaluator):
    out = io.StringIO()
    results = run(evaluator, range(4), FAILING, [2], sandboxes=1)
    assert results.progress(out) is results
    assert results.done
    assert re.fullmatch(r"\[#{30}\] 4/4, 1 failed, 0:\d\d\n", out.getvalue())


def test_a_bar_of_a_job_that_fails(evaluator):
    out = io.StringIO()
    with pytest.raises(dcp.JobError, match="SyntaxError"):
        run(evaluator, range(4), "(x) => {").progress(out)
    assert "] 0/4, 0:" in out.getvalue()


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ((0, 0, 10, 0.2), f"[{'-' * 30}] 0/10, 0:00"),
        ((5, 2, 10, 61), f"[{'#' * 15}{'-' * 15}] 5/10, 2 failed, 1:01, 1:01 left"),
        ((1, 0, 3601, 1), f"[{'-' * 30}] 1/3601, 0:01, 1:00:00 left"),
        ((7, 1, None, 9.7), "7 slices, 1 failed, 0:10"),
        ((0, 0, 0, 0), f"[{'#' * 30}] 0/0, 0:00"),
    ],
)
def test_what_a_bar_says(state, text):
    assert bar_text(*state) == text


def test_a_bar_writes_over_itself_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    bar = ProgressBar(out)
    bar.show(1, 0, 2)
    bar.show(2, 0, 2, is_last=True)
    first, second = out.getvalue().removeprefix("\r").split("\r")
    assert second.endswith("\n")
    assert len(second) - 1 >= len(first), "nothing of the longer line stays"


def test_what_is_printed_stands_above_the_bar(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    bar = ProgressBar(terminal)
    bar.show(1, 0, 2)
    ConsolePrinter().show(0, "log", "hello")
    bar.show(2, 0, 2, is_last=True)
    ConsolePrinter().show(1, "log", "afterwards")
    lines = [line.split("\r")[-1] for line in terminal.getvalue().split("\n")]
    assert lines[0] == "slice 0: hello"
    assert "] 2/2, " in lines[1]
    assert lines[2:] == ["slice 1: afterwards", ""]
    assert "] 1/2, " in terminal.getvalue().split("\n")[1], "the bar is there again below"


def test_what_a_notebook_shows(evaluator):
    results = run(evaluator, range(3), FAILING, [1], sandboxes=1).wait()
    page = results._repr_html_()
    assert "<b>Results</b> done" in page
    assert '<progress value="3" max="3">' in page
    assert "<td>3 of 3</td><td>1</td>" in page
    assert "RangeError: not &lt;1&gt;" in page
    assert "<1>" not in page
    many = run(evaluator, range(30), FAILING, list(range(30)), sandboxes=1).wait()
    assert "and 20 more" in many._repr_html_()


def test_metrics_as_a_table(evaluator, monkeypatch):
    """Which pandas would make, from what stands here."""

    class DataFrame(SimpleNamespace):
        def assign(self, **columns: Any) -> DataFrame:
            return DataFrame(**vars(self), **columns)

    make = SimpleNamespace(DataFrame=lambda rows, **named: DataFrame(rows=rows, **named))
    monkeypatch.setitem(sys.modules, "pandas", make)
    results = run(evaluator, range(3), FAILING, [1], sandboxes=2)
    table = results.to_dataframe()
    assert table.index == [0, 1, 2]
    assert table.columns == dcp.SliceMetrics._fields
    assert table.rows == [results.metrics[index] for index in range(3)]
    assert table.error == [None, "EWORK", None]


def test_a_table_without_pandas(evaluator, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(dcp.InstallationError, match="needs pandas; run: pip install pandas"):
        run(evaluator, [1], "(x) => x").to_dataframe()


def test_metrics_name_their_units(evaluator):
    job = dcp.compute_for([1], "(x) => x")
    results = job.local_exec(1, evaluator=evaluator).wait()
    assert re.match(
        r"SliceMetrics\(cpu=\d+\.\d{3} ms, wall=\d+\.\d{3} ms, gpu=0\.000 ms, gpu_up=0,", repr(results.metrics[0])
    )
    assert re.search(rf"elapsed=\d+\.\d{{3}} ms, engines=\('{evaluator.engine}',\)\)$", repr(job.metrics))
    assert results.metrics[0].wall <= job.metrics.elapsed < 1000 * 120


# --- Ctrl-C, inputs that are used up, keywords ---


def test_ctrl_c_ends_the_wait_and_not_the_job(evaluator):
    gate = threading.Event()
    results = run(evaluator, gated(gate, range(2)), "(x) => x", sandboxes=1)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        results.wait(60)
    timer.join()
    assert any("cancel()" in note for note in caught.value.__notes__)
    assert not results.done
    gate.set()
    assert list(results) == [0, 1]


def test_a_job_over_inputs_that_are_used_up(evaluator):
    numbers = (x for x in range(3))
    job = dcp.compute_for(numbers, "(x) => x")
    assert list(job.local_exec(1, evaluator=evaluator)) == [0, 1, 2]
    with pytest.raises(ValueError, match="the inputs are a generator that has been read already; use a list"):
        job.local_exec(1, evaluator=evaluator)
    with pytest.raises(ValueError, match="has been read already"):
        dcp.compute_for(numbers, "(x) => x").local_exec(1, evaluator=evaluator)
    pairs = dcp.compute_for(zip([1, 2], [3, 4], strict=True), "([a, b]) => a * b")
    assert list(pairs.local_exec(1, evaluator=evaluator)) == [3, 8]
    with pytest.raises(ValueError, match="the inputs are a zip that has been read already"):
        pairs.local_exec(1, evaluator=evaluator)


def test_keyword_arguments_are_the_last_argument(evaluator):
    source = "(x, factor, { offset, names = [] }) => [x * factor + offset, names]"
    job = dcp.compute_for([1, 2], source, 10, offset=0.5, names=["inputs"])
    assert list(job.local_exec(1, evaluator=evaluator)) == [[10.5, ["inputs"]], [20.5, ["inputs"]]]
    with pytest.raises(TypeError, match="set cannot be sent"):
        dcp.compute_for([1], source, names={1}).local_exec(1, evaluator=evaluator)
