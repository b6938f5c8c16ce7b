"""examples/gravity.py against the same steps in numpy."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from python_distribution import python_environment

pytestmark = pytest.mark.timeout(600)  # the first time, packages are compiled

PROGRAM = Path(__file__).parents[2] / "examples" / "gravity.py"


@pytest.fixture
def gravity(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location("gravity", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gravity", module)
    spec.loader.exec_module(module)
    return module


def steps_in_numpy(gravity: ModuleType, seed: int) -> tuple[float, float]:
    """What ``evolve`` gives: the radius, and the change of energy."""
    places, speeds = (part.astype(float) for part in gravity.begin(seed))
    before = gravity.energy(places, speeds)
    for _ in range(gravity.ROUNDS * gravity.STEPS):
        ways = places[None, :, :3] - places[:, None, :3]
        strength = places[:, 3] * ((ways**2).sum(axis=2) + gravity.SOFTENING) ** -1.5
        speeds[:, :3] += gravity.STEP * (strength[:, None] @ ways)[:, 0]
        places[:, :3] += gravity.STEP * speeds[:, :3]
    radius = np.median(np.linalg.norm(places[:, :3], axis=1))
    return float(radius), abs(gravity.energy(places, speeds) / before - 1)


def test_galaxies_on_the_gpu_fall_as_those_of_numpy(
    gravity: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in python_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", [str(PROGRAM), "3"])
    gravity.main()
    found = re.findall(r"galaxy (\d): half of it within (\S+), energy kept to (\S+)%\n", capsys.readouterr().out)
    assert [seed for seed, _, _ in found] == ["0", "1", "2"]
    radius, drift = steps_in_numpy(gravity, 2)
    assert float(found[2][1]) == pytest.approx(radius, abs=0.003)
    assert float(found[2][2]) == pytest.approx(100 * drift, abs=0.02)
