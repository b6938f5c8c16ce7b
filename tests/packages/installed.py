"""Tries an installed package, of whatever kind: ``PYTHON installed.py``, where ``PYTHON`` is the one that has it.

It needs nothing but the package: all checks of packages run it in a fresh root. As a user there: ``--probe`` exits
with 0, with every layer of isolation in force; the commands, which are beside ``PYTHON``, start; the engines run
slices, with WebAssembly; the demo agrees with numpy; and ``dcp-worker`` does the job of a small scheduler.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

import dcp_evaluator as dcp

_OPTIONAL = {"nicegui", "ray"}
_ENGINES = ("quickjs", "v8")
_PROGRAMS = Path(sys.executable).parent


def main() -> None:
    """Exits where something fails, with what the command said."""
    options = _parse()
    probe()
    every_module_is_imported()
    commands_start()
    engines_run_slices()
    succeed(sys.executable, "-m", "dcp_evaluator.demo")
    client = [] if options.dcp_client is None else [f"--dcp-client={options.dcp_client}"]
    succeed(sys.executable, "-m", "dcp_worker.demo", "--size=256", "--sandboxes=2", "--deadline=300", *client)
    print("installed.py: passed")


def probe() -> None:
    print(succeed(_PROGRAMS / "dcp-evaluator", "--probe").partition("\n")[0], flush=True)
    report = json.loads(succeed(_PROGRAMS / "dcp-evaluator", "--probe", "--json"))
    assert {name for name, found in report["engines"].items() if found["slice"]["ok"]} == set(_ENGINES)
    assert [layer for layer in report["isolation"]["layers"] if not layer["in_force"]] == []


def every_module_is_imported() -> None:
    for name in ("dcp_evaluator", "dcp_protocol", "dcp_worker"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}.", onerror=lambda name: None):
            if module.name.endswith("__main__") or "guest" in module.name:
                continue
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] not in _OPTIONAL:
                    raise


def commands_start() -> None:
    for command in entry_points(group="console_scripts"):
        if command.dist is not None and command.dist.name == "dcp-evaluator":
            succeed(_PROGRAMS / command.name, "--help")


def engines_run_slices() -> None:
    rows = np.arange(12.0).reshape(3, 4)
    work = """async (row, scale) => {
      await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
      let sum = 0;
      return row.map((x) => (sum += scale * x));
    }"""
    for engine in _ENGINES:
        with dcp.Evaluator(engine=engine) as evaluator:
            results = dcp.compute_for(rows, work, 2.0).local_exec(sandboxes=2, evaluator=evaluator)
            assert np.array_equal(np.stack(list(results)), np.cumsum(2.0 * rows, axis=1)), engine


def succeed(*command: str | Path) -> str:
    """What it prints; where it fails, that is shown, and this program exits. It runs in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shown = " ".join(map(str, command))
        sys.exit(f"{done.stdout}{done.stderr}error: {shown} exits with status {done.returncode}")
    return done.stdout


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--dcp-client", metavar="FOLDER", type=Path, help="npm's, whose start-up files the worker's sandboxes load"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
