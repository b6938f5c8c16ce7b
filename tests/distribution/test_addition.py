"""Wheels that a user adds to a distribution."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcp_evaluator.distribution.addition import add
from dcp_evaluator.distribution.distribution import Distribution
from dcp_evaluator.distribution.installation import install
from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from dcp_evaluator.distribution.progress import Progress
from dcp_evaluator.distribution.removal import remove
from dcp_evaluator.errors import InstallationError, UsageError
from pyodide_packages import wheel
from small_distribution import SmallDistribution, small_distribution

pytestmark = pytest.mark.any_engine


@pytest.fixture(scope="module")
def small() -> SmallDistribution:
    return small_distribution()


@pytest.fixture
def folder(small: SmallDistribution, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Of the distribution, without the packages ``science-kit`` and ``threads-info``."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "python"))
    here = [name for name in small.files if "science" not in name and "threads" not in name]
    return small.write(tmp_path / "python" / "1.2.3", *here)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """``tool`` needs ``helper`` and a package of the distribution; ``other`` is for another interpreter."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    needs = ("Helper.Kit >= 1; python_version > '3'", "arrays", "colours; extra == 'pretty'")
    for version in ("1.0", "2.0"):
        modules: dict[str, str | bytes] = {"tool/__init__.py": "", "tool-1.data/purelib/more.py": "", "notes.txt": ""}
        (folder / f"tool-{version}-py3-none-any.whl").write_bytes(wheel("tool", version, modules, needs))
    (folder / "helper_kit-1.5-py3-none-any.whl").write_bytes(wheel("helper_kit", "1.5", {"helper.py": ""}))
    (folder / "threads_info-2.0-py3-none-any.whl").write_bytes(wheel("threads_info", "2.0", {"threads_info.py": ""}))
    native = wheel("other", "1.0", {"other.cpython-311-x86_64-linux-gnu.so": b""})
    (folder / "other-1.0-cp311-cp311-manylinux_2_17_x86_64.whl").write_bytes(native)
    return folder


def _distribution(small: SmallDistribution, folder: Path) -> Distribution:
    return Distribution(folder, releases=small.releases)


def _add(small: SmallDistribution, wheels: Path | None, *wanted: str) -> list[str]:
    new = add(wanted, Progress(), folder=wheels, releases=small.releases)
    return [f"{package.name} {package.version}" for package in new]


def test_wheels_come_with_what_they_need_and_are_replaced(small: SmallDistribution, folder: Path, wheels: Path) -> None:
    before = _distribution(small, folder)
    assert _add(small, wheels, "tool==1.0") == ["helper-kit 1.5", "tool 1.0"]
    distribution = _distribution(small, folder)
    assert distribution != before
    order = [package.name for package in distribution.resolve(["tool.part"])]
    assert order[0] == "linear"
    assert sorted(order[1:3]) == ["arrays", "helper-kit"]
    assert order[3:] == ["tool"]
    assert distribution.packages["tool"].imports == ("more", "tool")

    assert _add(small, wheels, str(wheels / "tool-2.0-py3-none-any.whl")) == ["tool 2.0"]
    distribution = _distribution(small, folder)
    assert [path.name for path in folder.glob("tool*")] == ["tool-2.0-py3-none-any.whl"]
    distribution.packages["tool"].path.write_bytes(b"changed")
    with pytest.raises(InstallationError, match=r"tool-2\.0.* is damaged: .*; run: dcp-evaluator python add tool$"):
        distribution.resolve(["tool"])

    assert len(remove(["tool", "helper"], Progress(), releases=small.releases)) == 2
    assert _distribution(small, folder).added == {}
    assert not list(folder.glob("tool*")) + list(folder.glob("helper*"))


def test_a_package_may_stand_in_for_one_of_the_release(
    small: SmallDistribution, folder: Path, wheels: Path, tmp_path: Path
) -> None:
    """Until that is installed."""
    assert _add(small, wheels, "threads_info") == ["threads-info 2.0"]
    assert _distribution(small, folder).resolve(["threads_info"])[0].version == "2.0"
    install(str(small.write(tmp_path / "source")), ["skit"], Progress(), releases=small.releases)
    versions = {package.name: package.version for package in _distribution(small, folder).resolve(["skit"])}
    assert versions["threads-info"] == "1.0"
    assert not list(folder.glob("threads_info-2*"))


def test_wheels_for_others_are_refused(small: SmallDistribution, folder: Path, wheels: Path) -> None:
    reason = r"A wheel has to be for Python 3\.12 on pyodide_2024_0_wasm32, or for any machine \(py3-none-any\)"
    before = sorted(folder.glob("*.whl"))
    with pytest.raises(InstallationError, match=rf"cannot fetch other: .*not a supported wheel.*{reason}"):
        _add(small, wheels, str(wheels / "other-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"))
    with pytest.raises(InstallationError, match=rf"No matching distribution found for missing.*{reason}"):
        _add(small, wheels, "missing")
    assert sorted(folder.glob("*.whl")) == before
    assert _distribution(small, folder).added == {}


def test_what_cannot_be_added_is_told_ahead(small: SmallDistribution, folder: Path, wheels: Path) -> None:
    with pytest.raises(InstallationError, match=r"arrays 1\.0 of Pyodide 1\.2\.3 itself is installed; .*remove arrays"):
        _add(small, wheels, "Arrays==2.0")
    for text in ("--index-url=x", "https://host/x", "name @ file", "a b", "-r", "", "name\n"):
        with pytest.raises(UsageError, match="is no name of a package"):
            _add(small, wheels, text)
    with pytest.raises(UsageError, match="wheels are added from a folder"):
        _add(small, Path("http://host/wheels"), "tool")
    with pytest.raises(InstallationError, match=r"no Pyodide 9\.9 is installed"):
        add(["tool"], Progress(), version="9.9", folder=wheels, releases=small.releases)
