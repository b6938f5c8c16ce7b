"""Atomics.wait, which may block as in workers, and Atomics.waitAsync, which does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_script import lines, values

import dcp_evaluator as dcp


def test_wait_blocks_until_its_time_is_over(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const cells = new Int32Array(new SharedArrayBuffer(16));
        const wide = new BigInt64Array(cells.buffer);
        const before = performance.now();
        results.waited = [Atomics.wait(cells, 0, 0, 30), Atomics.wait(wide, 1, 0n, 1)];
        results.passed = performance.now() - before >= 29;
        results.atOnce = [Atomics.wait(cells, 0, 0, 0), Atomics.wait(cells, 0, 0, -5), Atomics.wait(cells, 0, 1)];
        results.nobody = Atomics.notify(cells, 0);
        results.refused = [
          () => Atomics.wait(new Int32Array(4), 0, 0, 0), () => Atomics.wait(new Uint32Array(cells.buffer), 0, 0, 0),
          () => Atomics.wait(cells, 4, 0, 0), () => Atomics.wait(wide, 0, 0, 0),
        ].map(attempt);
        """,
    ) == {
        "waited": ["timed-out", "timed-out"],
        "passed": True,
        "atOnce": ["timed-out", "timed-out", "not-equal"],
        "nobody": 0,
        "refused": ["TypeError", "TypeError", "RangeError", "TypeError"],
    }


@pytest.mark.parametrize("timeout", ["", ", Infinity", ", NaN", ", 1e300", ", 1e14"])
def test_a_wait_without_an_end_ends_with_the_slice(evaluator: dcp.Evaluator, timeout: str) -> None:
    source = f"(x) => x || Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0{timeout})"
    results = dcp.compute_for([0, 1], source).local_exec(1, slice_timeout=0.3, evaluator=evaluator).wait(timeout=60)
    assert {index: error.code for index, error in results.errors.items()} == {0: "ETIMEOUT"}
    assert results[1] == 1


def test_wait_async(tmp_path: Path) -> None:
    """Those that wait are notified in the order of their coming, each once, by any view of their place."""
    assert lines(
        tmp_path,
        """
        const buffer = new SharedArrayBuffer(16), cells = new Int32Array(buffer);
        const wide = new BigInt64Array(buffer);
        const show = (name, { async, value }) =>
          async ? value.then((how) => print(name, how)) : print(name, "at once", value);
        print(Object.keys(Atomics.waitAsync(cells, 0, 0, 0)), Atomics.waitAsync.length, Atomics.waitAsync.name);
        show("differs", Atomics.waitAsync(cells, 0, 1));
        show("no time", Atomics.waitAsync(wide, 0, 0n, -1));
        for (const name of ["first", "second", "third"]) show(name, Atomics.waitAsync(cells, 0, 0));
        show("other place", Atomics.waitAsync(cells, 2, 0));
        const first = new Int32Array(buffer, 0, 1);
        print(Atomics.notify(cells, 1), Atomics.notify(first, 0, 2), Atomics.notify(cells, 0, 0));
        print("still running");
        setTimeout(() => {
          print(Atomics.notify(wide, 0), Atomics.notify(cells, 2), Atomics.notify(cells, 0));
          show("in time", Atomics.waitAsync(cells, 3, 0, 1));
        }, 1);
        """,
    ) == [
        "async,value 4 waitAsync",
        "differs at once not-equal",
        "no time at once timed-out",
        "0 2 0",
        "still running",
        "first ok",
        "second ok",
        "1 1 0",
        "third ok",
        "other place ok",
        "in time timed-out",
    ]


def test_a_slice_may_await_a_notification(evaluator: dcp.Evaluator) -> None:
    source = """async (x) => {
      const cells = new Int32Array(new SharedArrayBuffer(8));
      if (x === 0) return Atomics.waitAsync(cells, 0, 0, 5).value;
      if (x === 2) return Atomics.waitAsync(cells, 0, 0).value; // for ever
      setTimeout(() => { Atomics.store(cells, 1, 9); Atomics.notify(cells, 1); }, 5);
      return [await Atomics.waitAsync(cells, 1, 0).value, cells[1]];
    }"""
    results = dcp.compute_for([0, 1, 2], source).local_exec(1, evaluator=evaluator).wait(timeout=60)
    assert results[0] == "timed-out"
    assert results[1] == ["ok", 9]
    assert "nothing can settle" in results.errors[2].message


def test_wait_async_keeps_the_memory_where_it_waits(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const wait = (cells, ...rest) => Atomics.waitAsync(cells, ...rest);
        const cells = new Int32Array(new SharedArrayBuffer(8));
        results.refused = [
          () => wait(new Int32Array(2), 0, 0), () => wait(new Uint8Array(cells.buffer), 0, 0), () => wait(cells, 2, 0),
          () => wait(cells, 0, 0n), () => wait(cells, 0, 0, 0n), () => wait({}, 0, 0),
          () => wait(cells, { valueOf() { throw new RangeError(); } }, 0),
        ].map(attempt);
        let settled = 0;
        const report = () => ++settled === 2000 && print(JSON.stringify({ ...results, settled }));
        for (let i = 0; i < 2000; i++) {
          wait(new Int32Array(new SharedArrayBuffer(64)), 0, 0, 1).value.then(report);
        }
        """,
    ) == {
        "refused": ["TypeError", "TypeError", "RangeError", "TypeError", "TypeError", "TypeError", "RangeError"],
        "settled": 2000,
    }
