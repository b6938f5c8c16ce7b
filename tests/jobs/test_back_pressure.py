"""What a slice sends waits in its sandbox while the program is busy: it does not pile up between the two."""

from __future__ import annotations

import time
from typing import Any

import pytest

import dcp_evaluator as dcp

_MIB = 1 << 20
_BUSY = 1.0

_SEND = """(_, kind) => {
  const array = new Uint8Array(16 << 20), times = [];
  for (let i = 0; i < 12; i++) {
    if (kind === "progress") progress(array);
    else work.emit("part", array);
    times.push(performance.now());
  }
  return times;
}"""


@pytest.mark.parametrize("kind", ["progress", "emit"])
def test_shared_memory_in_flight_is_bounded_by_the_memory_limit(engine, kind):
    sizes: list[int] = []

    def busy(event: Any) -> None:
        if not sizes:
            time.sleep(_BUSY)
        sizes.append(event.value.nbytes)

    with dcp.Evaluator(engine=engine, memory_limit=64 * _MIB) as evaluator:
        job = dcp.compute_for([0], _SEND, kind)
        if kind == "progress":
            job.on("progress", busy)
        else:
            job.work.on("part", busy)
        (times,) = job.local_exec(1, evaluator=evaluator, on_error="stop")

    assert sizes == [16 * _MIB] * 12
    # 192 MiB do not fit into 64: the last ones are sent after the first one has been handled.
    assert times[-1] - times[0] > 1000 * _BUSY / 2


def test_a_value_larger_than_the_memory_limit_goes_alone(engine):
    """A frame may be larger than the credit where nothing else is on its way."""
    with dcp.Evaluator(engine=engine, memory_limit=256 * _MIB) as evaluator:
        work = "(mib) => { const part = new Uint8Array(mib << 20); return [part, part, part, part]; }"
        results = dcp.compute_for([80, 1], work).local_exec(1, evaluator=evaluator)
        results.wait()
        assert [part.nbytes for part in results[0]] == [80 * _MIB] * 4
        assert [part.nbytes for part in results[1]] == [_MIB] * 4
