"""TensorFlow.js on WebGPU against Deno, in a program that has run before: compiled shaders are kept by both."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import pytest
from deno import deno_command, last_line

from npm_packages import npm_packages

_OPERATIONS = Path(__file__).with_name("tensorflow.js")
_BUNDLES = ("tfjs/dist/tf.min.js", "tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js")
_ROUNDS = 3
_OURS = """
import json, pathlib, sys
import dcp_evaluator as dcp
source = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
(result,) = dcp.compute_for([0], source).local_exec(1)
print(json.dumps(result))
"""


def _work_function() -> str:
    """TensorFlow.js takes a global object and a platform from what it finds: here, those of a worker."""
    packages = npm_packages("tfjs") / "@tensorflow"
    parts = ["var self = globalThis; globalThis.WorkerGlobalScope ??= class {};"]
    parts += [(packages / bundle).read_text(encoding="utf-8") for bundle in _BUNDLES]
    parts.append(_OPERATIONS.read_text(encoding="utf-8"))
    return "async () => {\n" + ";\n".join(parts) + "\n}"


@pytest.mark.full
def test_operations_in_a_second_program(benchmark, measure, tmp_path):
    ours, theirs = tmp_path / "ours.js", tmp_path / "theirs.js"
    ours.write_text(_work_function(), encoding="utf-8")
    end = "console.log(JSON.stringify(await run()));\nDeno.exit(0);\n"
    theirs.write_text(f"const run = {_work_function()};\n{end}", encoding="utf-8")
    caches = ["env", "-u", "DCP_EVALUATOR_CACHE", f"XDG_CACHE_HOME={tmp_path / 'cache'}"]
    commands = {
        "ours": [*caches, sys.executable, "-c", _OURS, ours],
        "Deno": [*caches, *deno_command(npm_packages("deno"), theirs)],
    }
    first = {name: last_line(command) for name, command in commands.items()}
    assert first["ours"]["sum"] == first["Deno"]["sum"]
    again: list[dict[str, float]] = []
    benchmark.pedantic(
        lambda: again.append({name: last_line(command)["time"] for name, command in commands.items()}), rounds=_ROUNDS
    )
    times = {key: statistics.median(each[key] for each in again) for key in commands}
    name = "100 operations of TensorFlow.js"
    measure(f"{name}, first program", first["ours"]["time"], "ms", f"{first['Deno']['time']:.0f} ms of Deno")
    measure(f"{name}, second program", times["ours"], "ms", f"{times['Deno']:.0f} ms of Deno")
    ratios = sorted(each["Deno"] / each["ours"] for each in again)
    measure(f"{name}, second program", statistics.median(ratios), "x", spread=(ratios[0], ratios[-1]), peer="Deno")
