"""``python -m gpu_check``: all steps; with ``--step`` one of them, in its own process. ``gpu-check.sh`` prepares it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from .page import page, ran_on
from .runner import DONE, run_all, run_one
from .step import Settings, write_json
from .steps import STEPS

_ROOT = Path(__file__).parents[2]
_SECONDS = 470.0
_INTERRUPTED = 130


def main() -> int:
    """0: all steps that were asked for and apply are well; 1: some are not; 130 after Ctrl-C."""
    os.environ.pop("PYTHONPATH", None)  # it is for this program, not for those that it runs
    options = _parse()
    settings = Settings(options.out, options.quick, options.device, options.seconds)
    if options.step:
        (step,) = (step for step in STEPS if step.name == options.step)
        run_one(step, settings, settings.folder / "steps" / f"{step.name}.new")
        return 0
    try:
        results = run_all(
            STEPS, settings, only=options.only or (), again=options.again, seconds=options.seconds, tell=_tell
        )
    except KeyboardInterrupt:
        _tell("interrupted: what is done is kept, the same command goes on from here")
        return _INTERRUPTED
    about = {
        "commit": options.commit or _commit(),
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "quick": options.quick,
    }
    write_json(settings.folder / "gpu-check.json", {"version": 1, **about, "ran_on": ran_on(results), "steps": results})
    text = page(results, **about)
    (settings.folder / "gpu-check.txt").write_text(text, encoding="utf-8")
    print("\n" + text, flush=True)
    _tell(
        f"{settings.folder}/gpu-check.txt and gpu-check.json have this; nothing in them names the machine or its users"
    )
    asked = [result for result in results if not options.only or result["name"] in options.only]
    return 0 if all(result["verdict"] in DONE for result in asked) else 1


def _parse() -> argparse.Namespace:
    names = [step.name for step in STEPS]
    parser = argparse.ArgumentParser(prog="gpu-check.sh", description="What this machine's GPU does, step by step.")
    parser.add_argument("--again", action="store_true", help="do again what is done")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter, to try the check itself")
    parser.add_argument("--device", type=int, metavar="INDEX", help="measure this adapter, as --gpu-devices names it")
    parser.add_argument("--only", metavar="STEP,...", type=lambda text: text.split(","), help=f"of: {', '.join(names)}")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for all steps together; 470 unless given")
    parser.add_argument("--out", type=Path, default=_ROOT / "out/gpu-check", metavar="FOLDER")
    parser.add_argument("--commit", help=argparse.SUPPRESS)  # of what is installed, where git cannot tell
    parser.add_argument("--step", choices=names, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.only or []) - set(names):
        parser.error(f"there is no step {', '.join(sorted(unknown))}; the steps are {', '.join(names)}")
    return options


def _commit() -> str:
    """Of the work tree, with a plus where it has changes; a copy without git has none."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
