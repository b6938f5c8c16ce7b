"""Distributions come from folders, archives and servers: whole or not at all, whatever ends an installation."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dcp_evaluator.distribution.distribution import Distribution
from dcp_evaluator.distribution.exclusion import excluding_others
from dcp_evaluator.distribution.installation import install
from dcp_evaluator.distribution.modules import UnknownModuleError
from dcp_evaluator.distribution.places import FOLDER_VARIABLE, installed
from dcp_evaluator.distribution.progress import Progress
from dcp_evaluator.distribution.releases import LOCK
from dcp_evaluator.distribution.removal import remove
from dcp_evaluator.errors import InstallationError, UsageError
from file_server import FileServer, file_server
from small_distribution import SmallDistribution, sha256, small_distribution

pytestmark = pytest.mark.any_engine

_NUMBERS = "arrays-1.0-py3-none-any.whl"
_TESTS = {"arrays-tests": {"imports": []}}
_CHILD = """
import sys
from dcp_evaluator.distribution.installation import install
from dcp_evaluator.distribution.progress import Progress
from small_distribution import small_distribution
install(sys.argv[1], [], Progress(), releases=small_distribution(**{"arrays-tests": {"imports": []}}).releases)
"""


@pytest.fixture(scope="module")
def small() -> SmallDistribution:
    return small_distribution(**_TESTS)


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's folder, which is not there yet."""
    place = tmp_path / "of the user" / "python"
    monkeypatch.setenv(FOLDER_VARIABLE, str(place))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return place


@pytest.fixture
def server(small: SmallDistribution) -> Iterator[FileServer]:
    with file_server(dict(small.files)) as server:
        yield server


def _install(small: SmallDistribution, source: str | Path | None, *modules: str) -> Distribution:
    return install(None if source is None else str(source), modules, Progress(), releases=small.releases)


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _packed(small: SmallDistribution) -> dict[str, bytes]:
    """Somewhere inside of an archive, beside files of other kinds, and of the same name."""
    others = {f"other/{_NUMBERS}": b"another", "../../outside": b"", "/inside/notes.txt": b"", "pyodide.asm.js": b"no"}
    return others | {f"inside/assets/{name}": content for name, content in small.files.items()}


def _in_folder(small: SmallDistribution, folder: Path) -> Path:
    small.write(folder / "with" / "distribution")
    return folder / "with"


def _in_zip(small: SmallDistribution, folder: Path) -> Path:
    (folder / "carrier.whl").write_bytes(_zip(_packed(small)))
    return folder / "carrier.whl"


def _in_tar(small: SmallDistribution, folder: Path) -> Path:
    (folder / "carrier.tgz").write_bytes(_tar(_packed(small)))
    return folder / "carrier.tgz"


@pytest.mark.parametrize("form", [_in_folder, _in_zip, _in_tar, "address", "address of an archive"])
def test_all_that_a_source_holds_is_installed(
    small: SmallDistribution, server: FileServer, place: Path, tmp_path: Path, form: object
) -> None:
    """But not what the lock does not name, and not the tests of packages."""
    server.files["carrier.zip"] = _zip(_packed(small))
    source = {"address": server.address, "address of an archive": f"{server.address}carrier.zip"}.get(str(form))
    distribution = _install(small, source or form(small, tmp_path))  # type: ignore[operator]
    assert distribution == installed(["skit"], releases=small.releases)
    expected = {name for name in small.files if "tests" not in name}
    assert {path.name for path in distribution.folder.iterdir() if not path.name.startswith(".")} == expected
    assert not distribution.faults()
    assert not list(place.rglob("*.part")) + list(place.rglob("*carrier*")) + list(tmp_path.rglob("outside"))


def test_named_packages_bring_what_they_need(small: SmallDistribution, server: FileServer) -> None:
    distribution = _install(small, server.address, "arrays")
    assert [each.name for each in distribution.installed_packages()] == ["arrays", "linear"]
    server.asked.clear()
    assert len(_install(small, server.address, "skit", "arrays").installed_packages()) == 4
    assert len(server.asked) == 3  # the lock, and two packages that were not there
    with pytest.raises(UnknownModuleError, match="did you mean skit"):
        _install(small, server.address, "skitt")


def test_packages_without_a_lock_file_are_of_what_is_installed(small: SmallDistribution, tmp_path: Path) -> None:
    core = small.write(tmp_path / "core", *small.release.core, LOCK)
    wheels = small.write(tmp_path / "wheels", _NUMBERS, "linear-1.0.zip")
    with pytest.raises(InstallationError, match=rf"wheels holds no {LOCK}, and no packages of a distribution"):
        _install(small, wheels)
    assert not _install(small, core).installed_packages()
    with pytest.raises(InstallationError, match=r"wheels does not hold .*science_kit.*; name another folder"):
        _install(small, wheels, "skit")
    assert len(_install(small, wheels).installed_packages()) == 2


def test_the_lock_with_more_packages_stays(small: SmallDistribution, tmp_path: Path) -> None:
    """A carrier's lock has a part of the release's; the release's comes and stays."""
    entries = json.loads(small.files[LOCK])["packages"]
    part = json.dumps({"packages": {name: entries[name] for name in ("arrays", "linear")}}).encode()
    release = replace(small.release, locks=(*small.release.locks, sha256(part)))
    whole = SmallDistribution(small.files, release)
    less = SmallDistribution(small.files | {LOCK: part}, release)
    sources = [each.write(tmp_path / name) for name, each in (("less", less), ("more", whole))]
    assert len(_install(less, sources[0]).packages) == 2
    for source in reversed(sources):
        assert len(_install(less, source, "arrays").packages) == len(entries)


@pytest.mark.parametrize("name", ["pyodide.asm.wasm", _NUMBERS])
def test_a_damaged_file_is_named_and_a_good_one_mends_it(small: SmallDistribution, tmp_path: Path, name: str) -> None:
    spoiled = bytearray(small.files[name])
    spoiled[len(spoiled) // 2] ^= 1
    bad, good = small.write(tmp_path / "bad"), small.write(tmp_path / "good")
    (bad / name).write_bytes(spoiled)
    with pytest.raises(InstallationError, match=rf"{name} of .*bad is damaged"):
        _install(small, bad)
    with pytest.raises(InstallationError, match=r"no Python distribution is installed"):
        installed(releases=small.releases)
    distribution = _install(small, good)
    (distribution.folder / name).write_bytes(spoiled)
    with pytest.raises(InstallationError, match=rf"{name} is damaged"):
        installed(["skit"], releases=small.releases)
    assert not _install(small, good).faults()


def test_damaged_archives_and_unknown_releases_are_told(small: SmallDistribution, tmp_path: Path) -> None:
    whole, compressed = _zip(_packed(small)), _tar(_packed(small))
    for name, content, reason in [
        ("cut.zip", whole[:200], "is no zip or tar file, or is damaged"),
        ("cut.tgz", compressed[: len(compressed) // 2], "is no zip or tar file, or is damaged"),
        ("other.zip", _zip({LOCK: b'{"packages": {}}'}), r"not that of a supported release .*1\.2\.3"),
        ("spoiled.zip", whole.replace(b"// Pyodide", b"// pyodide"), "cannot be read to its end: Bad CRC-32"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InstallationError, match=rf"{name}.* {reason}"):
            _install(small, tmp_path / name)


@pytest.mark.parametrize("archive", [False, True])
def test_a_download_goes_on_where_it_ended(small: SmallDistribution, server: FileServer, archive: bool) -> None:
    name = "carrier.zip" if archive else _NUMBERS
    server.files["carrier.zip"] = _zip(_packed(small))
    server.ends[name] = 100
    source = server.address + ("carrier.zip" if archive else "")
    with pytest.raises(InstallationError, match=rf"{name}.*the connection broke; run it again"):
        _install(small, source)
    server.ends.clear()
    server.asked.clear()
    assert not _install(small, source).faults()
    assert (name, 100) in server.asked


def test_a_part_that_does_not_fit_is_fetched_anew(small: SmallDistribution, server: FileServer, place: Path) -> None:
    """Of another file, or longer than the file, or where the server knows no positions."""
    for part, ranges in [(b"x" * 50, True), (b"x" * 100_000, True), (small.files[_NUMBERS][:50], False)]:
        server.ranges = ranges
        _install(small, server.address)
        remove(["1.2.3"], Progress(), releases=small.releases)
        (place / "1.2.3").mkdir()
        (place / "1.2.3" / f".{_NUMBERS}.part").write_bytes(part)
        assert not _install(small, server.address).faults()


@pytest.mark.parametrize("where", ["pyodide.asm.wasm", _NUMBERS, LOCK])
def test_a_killed_installation_leaves_nothing_half(small: SmallDistribution, server: FileServer, where: str) -> None:
    server.holds[where] = 20
    with _child(server.address) as child:
        assert server.holding.wait(60)
        child.kill()
    with pytest.raises(InstallationError, match=r"no Python distribution is installed"):
        installed(releases=small.releases)
    server.holds.clear()
    assert not _install(small, server.address).faults()


def test_a_killed_installation_of_more_leaves_what_there_was(small: SmallDistribution, server: FileServer) -> None:
    before = _install(small, server.address, "arrays")
    server.holds["science_kit-1.0-py3-none-any.whl"] = 20
    with _child(server.address) as child:
        assert server.holding.wait(60)
        assert installed(["arrays"], releases=small.releases) == before
        child.kill()
    assert installed(["arrays"], releases=small.releases) == before
    with pytest.raises(InstallationError, match=r"threads_info.* is missing; run: dcp-evaluator python install"):
        installed(["skit"], releases=small.releases)


def test_two_installations_take_turns(small: SmallDistribution, server: FileServer, place: Path) -> None:
    waiting = threading.Event()

    class Waits(Progress):
        def waits(self, why: str) -> None:
            assert str(place) in why
            waiting.set()

    def other() -> None:
        install(server.address, ["skit"], Waits(), releases=small.releases)

    thread = threading.Thread(target=other)
    with excluding_others(place, Progress()):
        thread.start()
        assert waiting.wait(60)
        assert server.asked == []
    thread.join()
    assert installed(["skit"], releases=small.releases)


def test_a_disk_without_room_is_told_ahead(small: SmallDistribution, tmp_path: Path, place: Path) -> None:
    with zipfile.ZipFile(tmp_path / "large.zip", "w") as archive:
        for name, content in small.files.items():
            archive.writestr(name, content)
        archive.getinfo(_NUMBERS).file_size = 1 << 60
    with pytest.raises(InstallationError, match=r"1\.2\.3 needs \d{10,} MiB more, and its disk has \d+ MiB left"):
        _install(small, tmp_path / "large.zip")
    assert not list(place.rglob("*.wasm"))


@pytest.mark.parametrize(
    ("source", "error", "reason"),
    [
        ("ftp://host/x.zip", UsageError, "a folder, an archive or an address with http or https"),
        ("http://127.0.0.1:1/x", UsageError, r"has to end with / \(a folder\) or as an archive"),
        ("http://127.0.0.1:1/", InstallationError, "cannot be fetched: .*; is there a network"),
        ("http://[::1/", InstallationError, "cannot be fetched"),
        ("/missing", InstallationError, "/missing cannot be read: No such file"),
        (None, InstallationError, "no package index has a distribution"),
    ],
)
def test_sources_that_cannot_be_used(
    small: SmallDistribution, source: str | None, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        _install(small, source)


def test_what_a_server_does_not_have_is_told(small: SmallDistribution, server: FileServer) -> None:
    del server.files[_NUMBERS]
    with pytest.raises(InstallationError, match=rf"{_NUMBERS} cannot be fetched: the server says 404"):
        _install(small, server.address, "arrays")


def test_packages_and_releases_are_removed(small: SmallDistribution, tmp_path: Path, place: Path) -> None:
    distribution = _install(small, small.write(tmp_path / "source"))
    with pytest.raises(InstallationError, match="science-kit needs arrays: remove both"):
        remove(["arrays"], Progress(), releases=small.releases)
    with pytest.raises(InstallationError, match="'other' is not installed"):
        remove(["arrow.core", "other"], Progress(), releases=small.releases)
    assert len(remove(["skit", "threads_info"], Progress(), releases=small.releases)) == 2
    assert {each.name for each in distribution.installed_packages()} == {"arrays", "arrow-core", "linear"}
    (line,) = remove(["1.2.3"], Progress(), releases=small.releases)
    assert line == f"Pyodide 1.2.3 is removed from {distribution.folder}"
    assert [path.name for path in place.iterdir()] == [".lock"]


def test_a_distribution_that_the_variable_names_is_changed_in_place(
    small: SmallDistribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small.write(tmp_path / "own", *small.release.core, LOCK)
    (folder / "notes.txt").write_text("mine")
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    assert _install(small, small.write(tmp_path / "source"), "arrays").folder == folder
    assert installed(["arrays"], releases=small.releases).folder == folder
    other = small_distribution("2.0.0")
    with pytest.raises(InstallationError, match=r"own is a distribution itself, and not of Pyodide 2\.0\.0"):
        install(str(other.write(tmp_path / "other")), [], Progress(), releases=small.releases + other.releases)
    remove(["1.2.3"], Progress(), releases=small.releases)
    assert {path.name for path in folder.iterdir()} == {".lock", "notes.txt"}


def _child(address: str) -> subprocess.Popen[bytes]:
    """A process that installs all from there."""
    return subprocess.Popen([sys.executable, "-c", _CHILD, address], cwd=Path(__file__).parents[1])
