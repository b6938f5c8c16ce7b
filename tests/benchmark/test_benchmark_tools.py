"""What the benchmarks make of their measures: the history, tables, and the comparison of two builds."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import compare
import compare_once
import history
import report
import soak

import dcp_evaluator as dcp

pytestmark = pytest.mark.any_engine

ROOT = Path(__file__).parents[2]
RATIO = history.Measure("JavaScript, sorting, speed / Node's", 0.42, "x", "", (0.39, 0.51), "Node")
RATE = history.Measure("slices of 16 B over frames", 40208.6, "slices/s", "2 GB/s | a memcpy", (39e3, 41e3))


def test_a_run_is_kept_with_its_machine(tmp_path: Path) -> None:
    file = history.write(tmp_path, [RATIO, RATE], full=False)
    (run,) = history.read(tmp_path)
    assert run["commit"] in file.name
    assert run["machine"]["cpus_usable"] >= 1
    assert [measure["name"] for measure in run["measures"]] == [RATIO.name, RATE.name]
    assert run["measures"][0]["spread"] == [0.39, 0.51]
    assert "hostname" not in json.dumps(run)


def test_tables_tell_ratios_by_peer_and_the_rest_with_its_unit(tmp_path: Path) -> None:
    history.write(tmp_path, [RATIO, RATE], full=True)
    text = report.tables(history.read(tmp_path)[0])
    assert "| JavaScript, sorting | Node | 0.42 | 0.39 to 0.51 |" in text
    assert r"| slices of 16 B over frames | 40,209 | slices/s | 39,000 to 41,000 | 2 GB/s \| a memcpy |" in text
    assert "all benchmarks" in text


def test_a_ratio_far_below_its_goal_fails_its_benchmark(tmp_path: Path) -> None:
    """Where all measures of it were reported: a little below is a busy machine's doing."""
    conftest = (ROOT / "benchmarks" / "conftest.py").as_posix()
    (tmp_path / "conftest.py").write_text(f"exec(open({conftest!r}).read())\n")
    (tmp_path / "test_ratios.py").write_text(
        "def test_reached(benchmark, measure):\n"
        "    benchmark(int)\n"
        "    measure('reached', 0.81, 'x', goal=1.0)\n"
        "def test_missed(benchmark, measure):\n"
        "    benchmark(int)\n"
        "    measure('missed', 0.79, 'x', goal=1.0)\n"
        "    measure('another', 2.0, 'x', goal=1.0)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "--benchmark-only", "-p", "no:cacheprovider", str(tmp_path)]
    path = os.pathsep.join(str(ROOT / folder) for folder in ("benchmarks", "tests"))
    # Processes of xdist do not measure.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = path
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "missed: 0.79, and 1 is the goal" in done.stdout
    assert "2 passed, 1 error" in done.stdout


def samples(**series: list[float]) -> list[soak.Sample]:
    return [{"minutes": 0.0, **dict(zip(series, each, strict=True))} for each in zip(*series.values(), strict=True)]


def test_a_soak_finds_what_grows() -> None:
    """In the first quarter all becomes warm, and an allocator keeps a little more."""
    found = samples(
        processes=[1, 9, 9, 9, 9, 9, 9, 9], descriptors=[9, 9, 10, 10, 10, 10, 11, 11],
        **{"memory, MB": [10, 10, 100, 100, 101, 102, 104, 104], "memory of this program, MB": [9, 9, *range(10, 16)]},
    )  # fmt: skip
    assert soak.leaks(found) == {"descriptors", "memory of this program, MB"}


def test_tables_tell_what_is_left_out(tmp_path: Path) -> None:
    history.write(tmp_path, [RATE], full=True, left_out={"Node + Dawn": "it refuses the adapter"})
    text = report.tables(history.read(tmp_path)[0])
    assert "Not compared with:\n- Node + Dawn: it refuses the adapter\n\n|" in text


def test_tables_replace_those_of_the_last_run(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("before\n<!-- tables: begin -->\nold\n<!-- tables: end -->\nafter\n")
    report.put_tables(document, "new\n")
    report.put_tables(document, "newer\n")
    assert document.read_text() == "before\n<!-- tables: begin -->\nnewer\n<!-- tables: end -->\nafter\n"
    document.write_text("without marks")
    with pytest.raises(ValueError, match="has no marks"):
        report.put_tables(document, "new\n")


def pairs(slowdown: float, count: int = 12) -> list[tuple[dict[str, float], dict[str, float]]]:
    """Runs on a machine whose speed changes threefold from pair to pair, and by a twentieth within a pair."""
    noise = random.Random(1)
    found = []
    for _ in range(count):
        busy = noise.uniform(1, 3)
        base, tree = (busy * noise.uniform(1, 1.05) for _ in range(2))
        found.append(({"run": 10 * base, "gone": 1.0}, {"run": 10 * slowdown * tree, "new": 1.0}))
    return found


@pytest.mark.parametrize(("slowdown", "verdict"), [(1.0, ""), (1.15, "slower"), (0.8, "faster")])
def test_a_difference_is_found_through_noise_and_noise_is_none(slowdown: float, verdict: str) -> None:
    (ratio,) = compare.ratios(pairs(slowdown))
    assert ratio.name == "run"
    assert ratio.low <= ratio.median <= ratio.high
    assert ratio.median == pytest.approx(1 / slowdown, rel=0.05)
    assert ratio.verdict == verdict


def test_the_interval_holds_the_truth_in_95_of_100_cases() -> None:
    """Ratios whose median is known: 0.9, scattered by a tenth as on a busy machine, now and then by far more."""
    random_numbers = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        scatter = 0.1 * random_numbers.standard_t(df=3, size=15)
        found = compare.ratios([({"run": 0.9 * float(np.exp(off))}, {"run": 1.0}) for off in scatter])
        held += found[0].low <= 0.9 <= found[0].high
    assert 180 <= held <= 199


def test_more_pairs_make_the_interval_smaller() -> None:
    few, many = (compare.ratios(pairs(1.0, count))[0] for count in (8, 64))
    assert many.high - many.low < 0.7 * (few.high - few.low)


def test_a_comparison_needs_pairs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["compare.py", "HEAD", "--rounds", "4"])
    with pytest.raises(SystemExit) as ended:
        compare.main()
    assert ended.value.code == 2
    assert "an interval needs 5 pairs or more" in capsys.readouterr().err


def test_the_comparison_is_shown() -> None:
    console = Console(file=io.StringIO(), width=100)
    compare.show(compare.ratios(pairs(1.15)), "HEAD~1", 12, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "speed / HEAD~1's" in text
    assert "slower" in text


def test_every_measure_of_the_comparison_runs() -> None:
    with dcp.Evaluator() as evaluator:
        measures: dict[str, Any] = compare_once.measures(evaluator)
        quick = [
            name for name in measures if name.startswith(("JavaScript", "WebAssembly")) or name == "GPU, reduction"
        ]
        assert len(quick) >= 9
        assert all(measures[name]() > 0 for name in quick)
