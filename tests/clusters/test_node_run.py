"""A node's part of a job without Ray: slices go in, and what local_exec would give comes out, as it is asked for."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import dcp_evaluator as dcp
from dcp_evaluator.clusters import messages
from dcp_evaluator.clusters.messages import Assignment, Batch, Outputs
from dcp_evaluator.clusters.node_run import NodeRun
from dcp_evaluator.errors import JobError, WorkFunctionError
from dcp_evaluator.frames.values import RESULT_LIMIT, Encoded
from dcp_evaluator.sandboxes.slice_limits import SliceLimits
from dcp_evaluator.settings import installation
from dcp_evaluator.supervision.supervisor import Options
from dcp_evaluator.supervision.work import Work

_MIB = 1 << 20
_LINGER = 0.01
_LONG = 60.0


def assignment(
    source: str, *, sandboxes: int = 2, retries: int = 2, memory_limit: int | None = None, public: Any = None
) -> Assignment:
    told = {
        "workFunction": source, "name": "work-function.js", "arguments": [], "public": public or {}, "seed": None,
        "gpuErrors": "fail",
    }  # fmt: skip
    options = Options(sandboxes, retries, False, RESULT_LIMIT, SliceLimits(progress=_LONG))
    return Assignment(Work({}, None, False, memory_limit, options), Encoded.of(told))


def batch(values: Iterable[Any], start: int = 0) -> Batch:
    """As it comes from the driver."""
    made = Batch([], [], {})
    for position, value in enumerate(values):
        payload, buffers = Encoded.of(value)
        made.indices.append(start + position)
        made.payloads.append(payload)
        if buffers:
            made.buffers[position] = buffers
    return pickle.loads(pickle.dumps(made))


@contextmanager
def node_run(evaluator: dcp.Evaluator, source: str, **options: Any) -> Iterator[NodeRun]:
    run = NodeRun(evaluator, pickle.loads(pickle.dumps(assignment(source, **options))))
    try:
        yield run
    finally:
        run.close()


def replies(run: NodeRun, count: int, linger: float = _LINGER) -> list[Outputs]:
    """Until so many slices have ended."""
    came = []
    while count > 0:
        came.append(run.poll(_LONG, linger))
        assert came[-1].items
        assert came[-1].end is None
        count -= len(ends(came[-1:]))
    assert count == 0
    return came


def ends(came: Sequence[Outputs]) -> list[tuple[Any, ...]]:
    return [item for outputs in came for item in outputs.items if item[0] in messages.ENDS]


def outcomes(came: Sequence[Outputs]) -> dict[int, Any]:
    """Values and errors by index; each once."""
    found = {}
    for kind, *rest in ends(came):
        index, outcome = (rest[0], rest[1]) if kind == messages.RESULT else (rest[0].index, rest[0])
        assert index not in found
        found[index] = outcome
    return found


def told(outcome: Any) -> Any:
    """What can be compared."""
    if isinstance(outcome, dcp.SliceError):
        return outcome.name, outcome.message, outcome.stack, outcome.code
    if isinstance(outcome, np.ndarray):
        return outcome.dtype.str, outcome.shape, outcome.tobytes()
    if isinstance(outcome, list):
        return [told(each) for each in outcome]
    if isinstance(outcome, dict):
        return {key: told(each) for key, each in outcome.items()}
    return outcome


def until_end(run: NodeRun) -> tuple[list[Outputs], JobError | str]:
    came = []
    while True:
        came.append(run.poll(_LONG, _LINGER))
        if (end := came[-1].end) is not None:
            return came, end


# --- Slices in, outputs out ---

_SOURCES = {
    "echo": "x => x",
    "errors": "x => { if (x % 3 === 0) throw new RangeError(`no ${x}`); return x; }",
    "large": "x => new Float64Array(20_000).fill(x)",
    "promises": "async x => { await null; return {x, twice: [2 * x]}; }",
    "rejects": "(x) => { if (x === 5) work.reject('not now'); return x; }",
    "unusable": "x => x === 4 ? Symbol('no') : x",
    "dies": "x => { if (x === 7) { const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1)); } return x; }",
}


@pytest.mark.parametrize("name", _SOURCES)
def test_what_comes_out_is_what_local_exec_gives(name, evaluator):
    memory = 128 * _MIB
    locally = dcp.compute_for(range(20), _SOURCES[name]).local_exec(2, evaluator=evaluator, memory_limit=memory)
    expected = locally.values(errors="yield")
    with node_run(evaluator, _SOURCES[name], memory_limit=memory) as run:
        run.feed(batch(range(12)))
        run.feed(batch(range(12, 20), start=12))
        found = outcomes(replies(run, 20))
    assert [told(found[index]) for index in range(20)] == list(map(told, expected))


@pytest.mark.parametrize("size", [1, 65_536, 65_537, 1 << 20])
def test_arrays_go_in_and_out_whole(size, evaluator):
    values = [np.arange(size, dtype=np.uint8) + seed for seed in range(5)]
    mixed = [[value, {"same": value, "text": "x" * size}] for value in values]
    with node_run(evaluator, "x => x") as run:
        run.feed(batch(values))
        run.feed(batch(mixed, start=5))
        found = outcomes(replies(run, 10))
    for index, value in enumerate(values):
        assert np.array_equal(found[index], value)
        assert np.array_equal(found[5 + index][0], value)
        assert np.array_equal(found[5 + index][1]["same"], value)
        assert found[5 + index][1]["text"] == "x" * size


def test_the_data_of_the_job_are_there_however_large(evaluator):
    public = {"table": np.arange(100_000, dtype=np.float64)}
    with node_run(evaluator, "x => work.job.public.table[x]", public=public) as run:
        run.feed(batch([0, 99_999]))
        assert outcomes(replies(run, 2)) == {0: 0, 1: 99_999}


def test_all_that_slices_say_comes_out_in_order(evaluator, engine):
    source = "x => { console.warn('a', x); progress(x); work.emit('part', [x]); return x; }"
    with node_run(evaluator, source, sandboxes=1) as run:
        run.feed(batch(["one"]))
        items = [item for outputs in replies(run, 1) for item in outputs.items]
    assert [item[:4] for item in items[:4]] == [
        (messages.ASSIGNED, engine),
        (messages.CONSOLE, 0, "warn", "a one"),
        (messages.PROGRESS, 0, "one"),
        (messages.EMIT, 0, "part", ["one"]),
    ]
    assert items[4][:3] == (messages.RESULT, 0, "one")


def test_replies_are_numbered_and_say_how_long_their_slices_took(evaluator):
    source = "ms => { const end = performance.now() + ms; while (performance.now() < end); }"
    with node_run(evaluator, source, sandboxes=1) as run:
        run.feed(batch([1]))
        first = replies(run, 1)
        run.feed(batch([50, 50]))
        came = first + replies(run, 2)
    assert [outputs.number for outputs in came] == list(range(1, len(came) + 1))
    assert sum(outputs.seconds for outputs in came[len(first) :]) > 0.09


def test_time_without_slices_is_not_counted(evaluator):
    with node_run(evaluator, "x => x", sandboxes=1) as run:
        run.feed(batch([0]))
        replies(run, 1)
        time.sleep(1.0)
        run.feed(batch([1], start=1))
        (reply,) = replies(run, 1)
    assert reply.seconds < 0.9


# --- When polls return ---


def test_a_poll_without_outputs_returns_after_its_time(evaluator):
    with node_run(evaluator, "x => x") as run:
        assert run.poll(0.01, _LINGER)[1:] == ([], 0.0, None)


def test_a_reply_lingers_while_much_is_left_to_do_and_no_longer(evaluator):
    """All of many slices come in few replies; the last does not wait for more."""
    with node_run(evaluator, "x => x", sandboxes=1) as run:
        run.feed(batch(range(4)))
        came = replies(run, 4, linger=_LONG)
        run.feed(batch(range(4, 2004), start=4))
        came += replies(run, 2000, linger=_LONG)
    assert len(came) < 30


def test_of_two_polls_at_once_each_brings_something(evaluator):
    with node_run(evaluator, "x => x") as run, ThreadPoolExecutor(2) as threads:
        polls = {threads.submit(run.poll, _LONG, _LINGER) for _ in range(2)}
        came: list[Outputs] = []
        run.feed(batch(range(3000)))
        while len(ends(came)) < 3000:
            done, polls = wait(polls, return_when=FIRST_COMPLETED)
            came += [poll.result() for poll in done]
            assert all(outputs.items for outputs in came)
            polls |= {threads.submit(run.poll, _LONG, _LINGER) for _ in done}
        run.close()
        last = [poll.result() for poll in polls]
    assert sorted(outputs.number for outputs in came) == list(range(1, len(came) + 1))
    assert sorted(outcomes(came)) == list(range(3000))
    assert [outputs.end for outputs in last] == ["it has ended"] * 2


def test_many_polls_at_once_lose_nothing(evaluator):
    with node_run(evaluator, "x => x") as run, ThreadPoolExecutor(8) as threads:
        run.feed(batch(range(5000)))
        came: list[Outputs] = []
        while len(ends(came)) < 5000:
            came += threads.map(lambda _: run.poll(0.02, 0.001), range(8))
    came.sort()
    assert [outputs.number for outputs in came] == list(range(1, len(came) + 1))
    assert sorted(outcomes(came)) == list(range(5000))


# --- Nobody polls ---


@pytest.mark.parametrize(
    "source", ["x => 'x'.repeat(60_000)", "x => new Uint8Array(1 << 20)", "x => [{x: ['y'.repeat(60_000)]}]"]
)
def test_results_that_nobody_fetches_hold_up_sandboxes(source, evaluator):
    """16 MiB wait, and what each sandbox had sent meanwhile: in 10 ms, and no more than 32 in shared memory."""
    count = 1500 if "repeat" in source else 200
    with node_run(evaluator, source) as run:
        run.feed(batch(range(count)))
        came: list[Outputs] = []
        while len(ends(came)) < count:
            time.sleep(0.2)
            came.append(run.poll(_LONG, _LINGER))
    sizes = [sum(len(pickle.dumps(item, 5)) for item in outputs.items) for outputs in came]
    assert max(sizes) < 16 * _MIB + 2 * 33 * _MIB
    if "repeat" in source:
        assert max(sizes) < 24 * _MIB
    assert sorted(outcomes(came)) == list(range(count))


def test_small_results_that_nobody_fetches_do_too(evaluator):
    with node_run(evaluator, "x => x") as run:
        run.feed(batch(range(60_000)))
        came: list[Outputs] = []
        while len(ends(came)) < 60_000:
            time.sleep(0.5)
            came.append(run.poll(_LONG, _LINGER))
    assert max(len(outputs.items) for outputs in came) < 16 * 1024 + 2 * 4096
    assert sorted(outcomes(came)) == list(range(60_000))


# --- Ends ---


@pytest.mark.parametrize("source", ["x => { for (;;); }", "x => new Promise(() => {})", "x => 'x'.repeat(60_000)"])
def test_it_is_closed_while_slices_run_and_outputs_wait(source):
    with dcp.Evaluator() as evaluator:
        run = NodeRun(evaluator, assignment(source))
        run.feed(batch(range(3000)))
        with ThreadPoolExecutor(2) as threads:
            polls = [threads.submit(run.poll, _LONG, _LINGER) for _ in range(2)]
            run.close()
            run.close()
            assert until_end(run)[1] == "it has ended"
            assert {poll.result().end for poll in polls} <= {None, "it has ended"}


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.5])
def test_outputs_that_nobody_fetches_do_not_hold_up_the_end(pause, evaluator):
    run = NodeRun(evaluator, assignment("x => new Uint8Array(1 << 20)"))
    run.feed(batch(range(300)))
    time.sleep(pause)
    run.close()
    came, end = until_end(run)
    assert end == "it has ended"
    assert len(ends(came)) < 300


def test_all_polls_tell_the_end_and_what_is_fed_then_is_dropped():
    with dcp.Evaluator() as evaluator:
        run = NodeRun(evaluator, assignment("x => x"))
        run.close()
        for _ in range(3):
            run.feed(batch(range(10)))
            assert run.poll(_LONG, _LINGER).end == "it has ended"


@pytest.mark.parametrize("source", ["x => {", "'no function'", "(() => { throw new TypeError('no'); })()"])
def test_a_work_function_that_cannot_be_loaded_is_an_error_of_the_job(source, evaluator):
    with node_run(evaluator, source) as run:
        run.feed(batch([1]))
        _, end = until_end(run)
    assert isinstance(end, WorkFunctionError)
    with pytest.raises(WorkFunctionError) as locally:
        dcp.compute_for([1], source).local_exec(1, evaluator=evaluator).wait()
    again = pickle.loads(pickle.dumps(end))
    assert (again.name, again.stack) == (locally.value.name, locally.value.stack)
    assert again.message in str(locally.value)
    assert again.__notes__ == end.__notes__ if end.stack else True


@pytest.mark.parametrize("wasmtime", ["/dev/null", "{missing}"])
def test_sandboxes_that_cannot_be_made_are_an_end_of_the_node_alone(wasmtime, monkeypatch, missing):
    """As where the installation is broken."""
    monkeypatch.setattr(installation, "wasmtime_library", lambda: wasmtime.format(missing=missing))
    with dcp.Evaluator(engine="quickjs") as broken, node_run(broken, "x => x") as run:
        run.feed(batch([1]))
        came, end = until_end(run)
    assert isinstance(end, str)
    assert "wasmtime" in end
    assert ends(came) == []


# --- Garbage ---


def test_a_batch_whose_parts_do_not_fit_is_refused_whole(evaluator):
    with node_run(evaluator, "x => x") as run:
        for garbage in (Batch([0, 1], [b"\x00"], {}), Batch([0], [b"\x00", b"\x01"], {})):
            with pytest.raises(ValueError, match="zip"):
                run.feed(garbage)
        run.feed(batch([5], start=2))
        assert outcomes(replies(run, 1)) == {2: 5}


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x00\x00", b"\xdd\xff\xff\xff\xff"])
def test_data_that_are_none_fail_their_slice_and_no_other(payload, evaluator):
    with node_run(evaluator, "x => x", sandboxes=1) as run:
        run.feed(batch([5]))
        run.feed(Batch([1], [payload], {}))
        run.feed(batch([6], start=2))
        found = outcomes(replies(run, 3))
    assert found[0] == 5
    assert found[2] == 6
    assert isinstance(found[1], dcp.SliceError)
