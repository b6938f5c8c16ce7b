"""TensorFlow.js computes with its WebGPU backend what it computes with its CPU backend."""

from __future__ import annotations

import json
from pathlib import Path

import cli_driver
from npm_packages import npm_packages

# TensorFlow.js takes a global object and a platform from what it finds: here, those of a worker.
WORKER = "var self = globalThis; globalThis.WorkerGlobalScope = class {};"

PROGRAM = Path(__file__).with_name("js").joinpath("tensorflow.js").read_text(encoding="utf-8")


def test_results_are_those_of_the_cpu(tmp_path: Path) -> None:
    packages = npm_packages("tfjs") / "@tensorflow"
    bundles = [packages / "tfjs/dist/tf.min.js", packages / "tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js"]
    before, program = cli_driver.write(tmp_path, worker=WORKER, program=PROGRAM)
    done = cli_driver.run("--shell", tmp_path / before, *bundles, tmp_path / program)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("{"), done.stdout
    found = json.loads(last)
    assert found["backends"] == ["cpu", "webgpu"]
    assert len(found["furthest"]) == 18
    assert min(found["sizes"]) > 0
    assert {name: off for name, off in found["furthest"].items() if not off < 1e-4} == {}
    assert "uncaptured" not in done.stderr
