"""The same jobs on the same scheduler: our worker tells what npm's worker tells, in both dialects."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dcp_evaluator.settings.engines import chosen
from dcp_evaluator.settings.settings import Settings
from scheduler_stand_in import Job, Program, own_program, running, stand_in

pytestmark = pytest.mark.any_engine

VALUES = """async (which) => {
  progress();
  const cyclic = { name: "a" };
  cyclic.itself = [cyclic];
  return [
    undefined, false, true, 0, -0, 1.5, 1e300, NaN, -Infinity, "", "text\\n\\u2028\\ud83d\\ude00", [], {}, [1, , 3],
    { a: { b: [{ c: 1 }, "d"] }, "1": 2 }, new Uint8Array([1, 2, 255]), new Float64Array([1.5, NaN, -0]),
    new Float32Array(3), new Map([["a", 1], [2, { b: 3 }]]), new Set([1, "1"]), new Date(12345), /a\\/b/gi,
    [undefined, NaN, -0, null], { u: undefined, n: NaN }, new Error("kept"), new TypeError("kind"), cyclic,
    "x".repeat(3000), Array.from({ length: 300 }, (_, n) => n % 7), 12345678901234567890n, [new Date(0), [/x/]],
    Object.assign(new RangeError("coded"), { code: "ECODE" }), new Int16Array([-1, 300]), Object("boxed"),
  ][which];
}"""
COUNT = 34
JOB = re.compile(r"0x[0-9a-f]{40}|job[0-9a-f]{10,}")

FAILURES = """async (which) => {
  progress();
  class Own extends Error { constructor(text) { super(text); this.name = "Own"; this.extra = [1, 2]; } }
  switch (which) {
    case 0: throw new Error("plain");
    case 1: throw new Own("mine");
    case 2: throw "a text";
    case 3: throw { a: 1 };
    case 4: throw undefined;
    case 5: return undefinedVariable;
    case 6: await Promise.reject(new TypeError("later")); break;
    case 7: throw Object.assign(new Error("coded"), { code: "EMINE" });
    case 8: return null.x;
    case 9: throw new Error("");
  }
}"""

EVENTS = """async (x) => {
  progress(0.1);
  console.log("a", x, [1, { b: 2 }]);
  console.warn("same"); console.warn("same"); console.warn("same");
  console.error(new Error("shown"));
  console.info(undefined, null, NaN);
  console.debug({ a: new Uint8Array(2) });
  work.emit("first", { x });
  work.emit("second", [x, undefined]);
  progress(1);
  return work.job.public.name;
}"""


def shape(value: Any) -> Any:
    """What stands where, without what differs from run to run."""
    if isinstance(value, Mapping):
        return {JOB.sub("a job", name): shape(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        return [shape(member) for member in value[:1]]
    return type(value).__name__ if not isinstance(value, int | float) or isinstance(value, bool) else "number"


async def _told(program: Program, home: Path, jobs: list[Job]) -> dict[str, Any]:
    """What a worker tells of these jobs."""
    async with stand_in(program.kind, task_size=4) as network:
        for job in jobs:
            network.add(job)
        async with running(program, home, network) as worker:
            await network.until_done()
            assert await worker.stop() == 0, worker.said()
    assert network.faults == []
    return {
        "results": [_result(one.results[0].data) for job in jobs for one in job.slices.values()],
        "members of results": [
            shape(_without_value(one.results[0].data)) for job in jobs for one in job.slices.values()
        ],
        "begins": shape(jobs[0].slices[1].begins[0].data),
        "events": sorted(_event(data) for data in network.all("workEmit")),
        "members of events": {data["eventName"]: shape(data) for data in network.all("workEmit")},
        "requests for work": shape(network.requests_for_work[0]),
    }


def _result(data: Mapping[str, Any]) -> Any:
    return data.get("result", data.get("resultV2"))


def _without_value(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in ("result", "resultV2")}


def _event(data: Mapping[str, Any]) -> str:
    told = f"{data['slice']:3} {data['eventName']} {data['payload']}"
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "a time", told)


@pytest.fixture(params=["npm_4", "npm_5"])
def both(request: pytest.FixtureRequest) -> tuple[Program, Program]:
    ours = own_program({"npm_4": "dcp", "npm_5": "dcp5"}[request.param], node={"engine": chosen(Settings())})
    return request.getfixturevalue(request.param), ours


def compared(both: tuple[Program, Program], home: Path, work: str, data: list[Any]) -> tuple[Any, Any]:
    told = []
    for program, name in zip(both, ("theirs", "ours"), strict=True):
        (home / name).mkdir()
        told.append(asyncio.run(_told(program, home / name, [Job(work=work, data=data, name="the job")])))
    theirs, ours = told
    assert theirs.keys() == ours.keys()
    return theirs, ours


def test_values(both: tuple[Program, Program], tmp_path: Path) -> None:
    assert_same(*compared(both, tmp_path, VALUES, list(range(COUNT))))


def test_failures(both: tuple[Program, Program], tmp_path: Path) -> None:
    assert_same(*compared(both, tmp_path, FAILURES, list(range(10))))


def test_events(both: tuple[Program, Program], tmp_path: Path) -> None:
    theirs, ours = compared(both, tmp_path, EVENTS, [1, 2])
    # Of a line that comes again npm's workers send how often, and not which.
    again = [event for event in theirs["events"] if "'same': 3" in event]
    assert len(again) == 2
    whole = "{'arr': ['same']}}, 'same': 3"
    expected = [event.replace("'same': 3, ", "").replace("{'undefined': True}}", whole) for event in again]
    assert [event for event in ours["events"] if "'same': 3" in event] == expected
    for told in (theirs, ours):
        told["events"] = [event for event in told["events"] if "'same': 3" not in event]
    assert_same(theirs, ours)


def assert_same(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    pairs = enumerate(zip(theirs["results"], ours["results"], strict=True))
    assert {number: pair for number, pair in pairs if pair[0] != pair[1]} == {}
    for name in theirs:
        assert ours[name] == theirs[name], name
