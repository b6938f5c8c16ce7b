"""A quick test of an installed package, with nothing but it: runs in a fresh Debian of check_wheels.py."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

import dcp_evaluator as dcp

_OPTIONAL = {"nicegui", "ray"}


def main(missing: list[str]) -> None:
    """``missing``: dependencies that are not installed. Commands that need them are not tried."""
    every_module_is_imported(_OPTIONAL | set(missing))
    commands_start(missing)
    both_engines_run_slices()
    print("installed.py: passed")


def every_module_is_imported(missing: set[str]) -> None:
    for name in ("dcp_evaluator", "dcp_protocol", "dcp_worker"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}.", onerror=lambda name: None):
            if module.name.endswith("__main__") or "guest" in module.name:
                continue
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] not in missing:
                    raise


def commands_start(missing: list[str]) -> None:
    programs = Path(sys.executable).parent
    for command in entry_points(group="console_scripts"):
        if command.dist is None or command.dist.name != "dcp-evaluator":
            continue
        if missing and not command.value.startswith("dcp_evaluator."):
            continue
        subprocess.run([programs / command.name, "--help"], stdout=subprocess.DEVNULL, check=True)


def both_engines_run_slices() -> None:
    rows = np.arange(12.0).reshape(3, 4)
    work = "(row, scale) => { let sum = 0; return row.map((x) => (sum += scale * x)); }"
    for engine in ("quickjs", "v8"):
        with dcp.Evaluator(engine=engine) as evaluator:
            results = dcp.compute_for(rows, work, 2.0).local_exec(sandboxes=2, evaluator=evaluator)
            assert np.array_equal(np.stack(list(results)), np.cumsum(2.0 * rows, axis=1)), engine
    probe = Path(sys.executable).parent / "dcp-evaluator"
    report = json.loads(subprocess.run([probe, "--probe", "--json"], stdout=subprocess.PIPE, check=True).stdout)
    assert {name: found["slice"]["ok"] for name, found in report["engines"].items()} == {"quickjs": True, "v8": True}
    assert [layer for layer in report["isolation"]["layers"] if not layer["in_force"]] == []


if __name__ == "__main__":
    main(sys.argv[1:])
