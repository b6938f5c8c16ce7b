"""Which files of a distribution a job gets, and that each has the hash that it should have."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcp_evaluator.distribution import verification
from dcp_evaluator.distribution.distribution import Distribution
from dcp_evaluator.distribution.modules import UnknownModuleError
from dcp_evaluator.distribution.places import FOLDER_VARIABLE, installed, user_folder
from dcp_evaluator.distribution.releases import LOCK
from dcp_evaluator.errors import InstallationError
from small_distribution import SmallDistribution, small_distribution

pytestmark = pytest.mark.any_engine


@pytest.fixture(scope="module")
def small() -> SmallDistribution:
    return small_distribution()


@pytest.fixture
def folder(small: SmallDistribution, tmp_path: Path) -> Path:
    return small.write(tmp_path / "1.2.3")


@pytest.fixture
def distribution(small: SmallDistribution, folder: Path) -> Distribution:
    return Distribution(folder, releases=small.releases)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_the_core_is_what_the_release_names(distribution: Distribution, folder: Path) -> None:
    names = ["pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", LOCK]
    assert distribution.core() == {name: folder / name for name in names}
    assert (distribution.version, distribution.python) == ("1.2.3", "3.12")


def test_modules_and_packages_come_after_what_they_need_and_libraries_first(distribution: Distribution) -> None:
    by_module, by_name = distribution.resolve(["skit.svm"]), distribution.resolve(["Science.Kit", "arrays"])
    assert {package.name for package in by_module} == {"linear", "arrays", "threads-info", "science-kit"}
    assert by_module == by_name
    assert [package.name for package in by_module][:2] == ["linear", "arrays"]
    assert all(package.path.is_file() for package in by_module)
    assert [package.name for package in distribution.resolve(["arrow.core.table"])] == ["arrow-core"]


def test_modules_of_the_interpreter_need_no_package(distribution: Distribution) -> None:
    assert distribution.resolve(["json", "wave", "math", "sys", "_struct", "js", "dcp", "pyodide.ffi"]) == ()


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("arrayz", ["no module or package 'arrayz'", "did you mean arrays?"]),
        ("science", ["did you mean science-kit"]),
        ("nothing_like_it", ["python list --all"]),
        ("tkinter", ["standard library"]),
        ("torch", ["threads"]),
        ("", ["no module or package ''"]),
    ],
)
def test_a_module_that_nobody_has_is_told_with_what_helps(
    distribution: Distribution, module: str, words: list[str]
) -> None:
    with pytest.raises(UnknownModuleError) as raised:
        distribution.resolve(["json", module])
    assert all(word in str(raised.value) for word in words)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.module, str(again)) == (module, str(raised.value))


@pytest.mark.parametrize("name", ["pyodide.asm.wasm", "arrays-1.0-py3-none-any.whl"])
@pytest.mark.parametrize("again", [False, True])
def test_a_damaged_file_is_named_with_its_remedy(
    small: SmallDistribution, folder: Path, name: str, again: bool
) -> None:
    """Also where it had been looked at before it was damaged."""
    distribution = Distribution(folder, releases=small.releases)
    if again:
        assert distribution.core() and distribution.resolve(["arrays"])
    content = bytearray(small.files[name])
    content[100] ^= 1
    (folder / name).write_bytes(content)
    for each in (distribution, Distribution(folder, releases=small.releases)):
        with pytest.raises(InstallationError, match=rf"{name} is damaged.*run: dcp-evaluator python install"):
            each.core() and each.resolve(["arrays"])


def test_a_missing_file_is_named_with_its_remedy(distribution: Distribution, folder: Path) -> None:
    (folder / "linear-1.0.zip").unlink()
    with pytest.raises(InstallationError, match=r"linear-1\.0\.zip is missing; run: .* python install .*linear$"):
        distribution.resolve(["skit"])
    assert [package.name for package in distribution.resolve(["arrow.core"])] == ["arrow-core"]


def test_files_are_read_once_until_they_change(small: SmallDistribution, folder: Path) -> None:
    """Remembered from one process to the next: who changes nothing, is not read, as forged memory shows."""
    Distribution(folder, releases=small.releases).core()
    stamps = json.loads((folder / verification.STAMPS).read_text())
    assert set(stamps) == set(small.release.core)
    path = folder / "pyodide.asm.js"
    path.write_text("forged")
    status = path.stat()
    numbers = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    forged = stamps | {path.name: [small.release.core[path.name], *numbers]}
    (folder / verification.STAMPS).write_text(json.dumps(forged))
    Distribution(folder, releases=small.releases).core()
    (folder / verification.STAMPS).chmod(0o666)  # now anyone may have written it
    with pytest.raises(InstallationError, match="damaged"):
        Distribution(folder, releases=small.releases).core()


@pytest.mark.parametrize("stamps", ["[]", "{", "[" * 100_000, '{"pyodide.asm.js": 7}'])
def test_a_damaged_memory_is_none(small: SmallDistribution, folder: Path, stamps: str) -> None:
    (folder / verification.STAMPS).write_text(stamps)
    assert Distribution(folder, releases=small.releases).core()


def test_others_may_not_change_it(small: SmallDistribution, folder: Path) -> None:
    (folder / "pyodide.asm.js").chmod(0o664)
    with pytest.raises(InstallationError, match=r"may be changed by other users: .*chmod go-w"):
        Distribution(folder, releases=small.releases).core()
    folder.chmod(0o777)
    with pytest.raises(InstallationError, match=r"may be changed by other users: .*chmod go-w"):
        Distribution(folder, releases=small.releases)
    if os.geteuid() == 0:
        folder.chmod(0o755)
        os.chown(folder, 65534, 65534)
        with pytest.raises(InstallationError, match="belongs to another user"):
            Distribution(folder, releases=small.releases)


def test_only_known_locks_count(folder: Path) -> None:
    with pytest.raises(InstallationError, match=r"not the lock file of a supported release .*0\.27\.7 and 314\.0\.7"):
        Distribution(folder)


def test_distributions_are_equal_where_they_offer_the_same(small: SmallDistribution, folder: Path) -> None:
    first, second = (Distribution(folder, releases=small.releases) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != Distribution(small.write(folder.parent / "other"), releases=small.releases)


def test_a_job_gets_the_newest_that_has_its_modules(place: Path) -> None:
    old, new = small_distribution("1.10.0", geometry={}), small_distribution("1.9.0", "3.14")
    releases = (old.release, new.release)
    old.write(place / "1.10.0")
    new.write(place / "1.9.0")
    (place / "nothing of ours").mkdir()
    assert installed(releases=releases).version == "1.9.0"
    assert installed(["geometry"], releases=releases).version == "1.10.0"
    assert installed(version="1.10.0", releases=releases).version == "1.10.0"
    with pytest.raises(UnknownModuleError, match=r"Pyodide 1\.9\.0 has no .*'geometri'"):
        installed(["geometri"], releases=releases)
    with pytest.raises(InstallationError, match=r"no Pyodide 2\.0 is installed in .*; run: "):
        installed(version="2.0", releases=releases)
    (place / "1.9.0" / "pyodide.asm.wasm").unlink()
    assert installed(releases=releases).version == "1.10.0"


def test_the_folder_may_be_a_distribution_itself(
    small: SmallDistribution, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    assert installed(releases=small.releases).folder == folder


def test_without_any_the_command_is_named(place: Path) -> None:
    for folder in (place, place / "missing"):
        with pytest.raises(InstallationError, match=r"no Python distribution .*; run: dcp-evaluator python install$"):
            installed()
        assert user_folder({FOLDER_VARIABLE: str(folder)}) == folder


def test_the_folder_is_the_users() -> None:
    assert user_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/dcp-evaluator/python")
    assert user_folder({"XDG_DATA_HOME": "data"}) == Path.home() / ".local/share/dcp-evaluator/python"
