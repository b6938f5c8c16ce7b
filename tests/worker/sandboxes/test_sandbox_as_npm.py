"""The same slices through npm's class Sandbox and ours, on one evaluator: the same results, events and sizes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sandbox_driver import Dialect, Heard, job, run

from dcp_protocol import canonical_json, kvin
from dcp_worker.sandboxes.outcomes import Completed, Threw
from dcp_worker.sandboxes.remote import RemoteEvaluator
from dcp_worker.sandboxes.sandbox import Sandbox
from line_peer import TcpEvaluator

sys.path.insert(0, str(Path(__file__).parents[2] / "peers"))

from dcp_programs import run_slices

VALUES = """[
  1, -0, 1.5, NaN, "text", "é𝒳\\u0000", true, null, undefined, [1, "a", [2.5]], { a: 1, b: { c: ["é"] } }, [undefined],
  new Uint8Array([0, 127, 128, 255]), new Float64Array(100), { x: new Int16Array([1, -1]), y: [new Date(5), /a+/g] },
  new Map([[1, { z: 2 }]]), new Set(["s"]), 10n ** 20n, [, 1], new Error("as a result"),
]"""
SOURCE = f"""async (x) => {{
  progress(0.25);
  console.log("says é", x); console.error({{ x }}); console.error("same"); console.error("same");
  work.emit("event", {{ x }});
  const values = {VALUES};
  if (x === values.length) throw new RangeError("too large é");
  if (x === values.length + 1) throw Object.assign(new Error("with a code"), {{ code: "ECODE", extra: [1] }});
  if (x === values.length + 2) throw "a text";
  if (x === values.length + 3) {{ const error = new TypeError("by name"); error.name = "Mine"; throw error; }}
  return values[x];
}}"""
COUNT = 24


@pytest.fixture(scope="module")
def port(client: Dialect) -> Iterator[int]:
    with TcpEvaluator(*client.files) as evaluator:
        yield evaluator.port


def text_of(value: object, client: Dialect) -> str:
    return kvin.serialize(value, client.messages.kvin_version).decode("utf-8", "surrogatepass")


def test_results_sizes_and_events_are_those_of_npm(client: Dialect, port: int) -> None:
    given = {"workFunction": SOURCE, "public": {"name": ""}}
    theirs = run_slices(port, given, list(range(COUNT)), client.group, texts=True, undelayed=True)
    heard = Heard()

    async def drive() -> list[Any]:
        box = await Sandbox.start(await RemoteEvaluator("localhost", port).open(), client.messages)
        await box.assign(job(SOURCE))
        outcomes = [await box.work(x, heard) for x in range(COUNT)]
        await box.end()
        return outcomes

    ours = run(drive())
    assert len(theirs["slices"]) == COUNT
    for x, (outcome, report) in enumerate(zip(ours, theirs["slices"], strict=True)):
        assert isinstance(outcome, Completed | Threw)
        assert text_of(outcome.value, client) == report["text"], x
        # The numbers of references in a message are other ones than in the text of its result alone.
        assert outcome.metrics.output_size == pytest.approx(report["sizes"]["OutDataSize"], abs=1), x
        assert outcome.metrics.input_size == report["sizes"]["InDataSize"]
    consoles = [payload for name, payload in theirs["events"] if name == "console"]
    said = [
        {
            "level": level,
            "message": json.loads(canonical_json.encode(kvin.marshal(arguments, client.messages.kvin_version))),
            "same": same,
        }
        for level, arguments, same in heard.texts
    ]
    assert said == [{name: payload[name] for name in ("level", "message", "same")} for payload in consoles]
    customs = [payload for name, payload in theirs["events"] if name == "custom"]
    assert heard.events == [(payload["customEvent"], payload["data"]) for payload in customs]


def test_rejections_and_failures_are_those_of_npm(client: Dialect, port: int) -> None:
    source = """(x) => {
      if (x === "silent") return 1;
      progress();
      work.reject("not here", 3);
    }"""

    async def drive(datum: str) -> Any:
        box = await Sandbox.start(await RemoteEvaluator("localhost", port).open(), client.messages)
        await box.assign(job(source))
        try:
            return await box.work(datum)
        except Exception as error:
            return error

    (theirs,) = run_slices(port, {"workFunction": source}, ["reject"], client.group, undelayed=True)["slices"]
    ours = run(drive("reject"))
    assert (ours.reason, ours.retries) == (theirs["failed"], theirs["retries"])
    (theirs,) = run_slices(port, {"workFunction": source}, ["silent"], client.group, undelayed=True)["slices"]
    error = run(drive("silent"))
    assert (str(error), error.code) == (theirs["failed"], theirs["code"])
