"""The programs in ``examples`` run as their texts say."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dcp_evaluator.functions.packing import packed
from python_distribution import python_environment

pytestmark = pytest.mark.timeout(600)  # the first time, packages are compiled

pytestmark = pytest.mark.any_engine
_EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> list[str]:
    """The lines that the program prints."""
    environment = os.environ | python_environment()
    command = [sys.executable, str(_EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    told = [line for line in done.stderr.splitlines() if not line.startswith("dcp-evaluator: ")]  # a slow start
    assert (done.returncode, told) == (0, [])
    return done.stdout.splitlines()


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, _EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = types.ModuleType(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_monte_carlo_gives_the_price_that_this_python_gives() -> None:
    module = example("monte_carlo")
    price, error = module.estimate([module.simulate(part) for part in range(4)])
    assert run("monte_carlo", "4") == [
        f"the option is worth {price:.3f} (standard error {error:.3f}, {module.PATHS * 4} paths)"
    ]


def test_image_batch_tells_what_is_broken_and_goes_on() -> None:
    *good, bad = run("image_batch")
    assert [line.partition(":")[0] for line in good] == [f"waves-{number}.png" for number in range(6)]
    assert all(": PNG, 320x240, mean " in line for line in good)
    assert bad.startswith("broken.png: ")


def test_image_batch_works_on_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    module = example("image_batch")
    folder = tmp_path / "pictures"
    folder.mkdir()
    module.draw(folder, 2)
    monkeypatch.chdir(tmp_path)
    run("image_batch", str(folder))
    with Image.open(tmp_path / "thumbnails" / "waves-1.png") as image:
        assert image.size == (64, 48)
        assert np.ptp(np.asarray(image)) > 200


def test_parameter_sweep_finds_the_worst_pair() -> None:
    head, *rows, last = run("parameter_sweep", "2")
    assert head.split()[:2] == ["infection", "recovery"]
    assert [row.split()[:2] for row in rows] == [["0.15", "0.05"], ["0.15", "0.25"], ["0.60", "0.05"], ["0.60", "0.25"]]
    assert last == "worst: infection 0.60, recovery 0.05"
    assert packed(example("parameter_sweep").epidemic).imports >= {"numpy", "scipy.integrate"}
