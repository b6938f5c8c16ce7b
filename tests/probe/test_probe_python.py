"""``dcp-evaluator --probe``: Python in sandboxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from dcp_evaluator.probe.python import python_report
from dcp_evaluator.probe.text import for_people
from dcp_evaluator.settings.settings import Settings
from python_distribution import python_environment, python_folder
from reports import probe

pytestmark = pytest.mark.engine("quickjs", "the report has all engines")


def test_a_distribution_is_told_with_the_time_of_its_first_results(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in python_environment().items():
        monkeypatch.setenv(name, value)
    report = probe()
    python = report["python"]
    (distribution,) = python["distributions"]
    assert distribution["packages"] > 20
    assert distribution == {**distribution, "version": "0.27.7", "python": "3.12"}
    assert Path(distribution["folder"]).parent == python_folder()
    assert (python["error"], python["modules"]) == (None, ["numpy"])
    assert python["warm_ms"] > 0 and python["cold_ms"] > 0
    assert report["worktimes"]["local"][1] == {"name": "pyodide", "versions": ["0.27.7"]}
    text = for_people(report)
    assert f"  Pyodide 0.27.7      Python 3.12, {distribution['packages']} packages in " in text
    assert " ms with numpy, later " in text


def test_without_one_the_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "none"))
    python = python_report(Settings())
    assert python["error"].endswith("run: dcp-evaluator python install")
    assert (python["distributions"], python["cold_ms"], python["warm_ms"]) == ([], None, None)
