"""``make bench-report``: plots that show the ratios, and all that it writes from a run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from matplotlib.patches import Rectangle
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import history
import plots
import report

pytestmark = pytest.mark.any_engine

FASTER = history.Measure("GPU, speed / Deno's", 3.0, "x", "", (2.5, 3.5), "Deno")
SLOWER = history.Measure("JavaScript, speed / Node's", 0.5, "x", "", (0.4, 0.6), "Node")
TIME = history.Measure("a start", 1.7, "ms")


def run(commit: str, *measures: history.Measure) -> plots.Run:
    described = [{**vars(measure)} for measure in measures]
    return {"date": "2026-11-25 06:00", "commit": commit, "measures": described}


RUNS = [run("aaaaaaa", SLOWER, TIME), run("bbbbbbb", FASTER, SLOWER, TIME)]


def test_a_bar_for_each_ratio() -> None:
    (axes,) = plots.ratios(RUNS[1]).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [FASTER.name, SLOWER.name]
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [sorted((bar.get_x(), bar.get_x() + bar.get_width())) for bar in bars] == [[1, 3], [0.5, 1]]
    assert bars[0].get_facecolor() != bars[1].get_facecolor()
    spreads = [list(line.get_xdata()) for line in axes.lines]
    assert [2.5, 3.5] in spreads and [0.4, 0.6] in spreads
    assert axes.get_xscale() == "log"
    assert axes.get_title() == "2026-11-25 06:00, bbbbbbb"


def test_a_line_for_each_ratio_over_the_runs() -> None:
    (axes,) = plots.history(RUNS).axes
    lines = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    assert lines[SLOWER.name] == ([0, 1], [0.5, 0.5])
    assert lines[FASTER.name] == ([1], [3])
    assert TIME.name not in lines
    assert [label.get_text() for label in axes.get_xticklabels()] == ["aaaaaaa", "bbbbbbb"]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {SLOWER.name, FASTER.name}


def test_a_report_writes_tables_plots_and_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs, kept, document = tmp_path / "runs", tmp_path / "kept", tmp_path / "performance.md"
    document.write_text("<!-- tables: begin -->\n<!-- tables: end -->\n")
    written = history.write(runs, [FASTER, SLOWER, TIME], full=False)
    assert report.main(["--runs", str(runs), "--history", str(kept), "--document", str(document)]) == 0
    assert (kept / written.name).read_text() == written.read_text()
    assert "| GPU | Deno | 3 | 2.5 to 3.5 |" in document.read_text()
    output = capsys.readouterr().out
    for name in ("ratios.png", "history.png"):
        assert str(runs / name) in output
        with Image.open(runs / name) as image:
            assert image.format == "PNG"
            assert image.width > 800
            assert len(image.convert("RGB").getcolors(1 << 24)) > 10


def test_without_a_run_there_is_nothing_to_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "performance.md"
    arguments = ["--runs", str(tmp_path), "--history", str(tmp_path / "kept"), "--document", str(document)]
    assert report.main(arguments) == 1
    assert "there is no run yet: make bench" in capsys.readouterr().err
    assert not document.exists()


def test_without_ratios_there_are_no_plots(tmp_path: Path) -> None:
    assert plots.draw([run("aaaaaaa", TIME)], tmp_path) == []
    assert list(tmp_path.iterdir()) == []
