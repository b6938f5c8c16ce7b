"""Compiled start-up files: kept for the next start, and nothing but time depends on it."""

from __future__ import annotations

import resource
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cli_driver import COMMAND
from line_peer import DEADLINE, TcpEvaluator, stdio

_LONG = "z" * 100_000

SOURCE = f"""
  const self = this;
  const long = "{_LONG}";
  function outer() {{ return function inner() {{ /* ü€😀 */ return new Error("here").stack; }}; }}
  writeln(JSON.stringify([String(outer), String(outer()), outer()(), long.length, self === globalThis]));
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a new evaluator keeps compiled scripts."""
    monkeypatch.setenv("DCP_EVALUATOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "scripts"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "start.js"
    file.write_text(SOURCE, encoding="utf-8")
    return file


def start(*files: Path) -> tuple[str, str]:
    """What a sandbox writes, and what is told on stderr."""
    done = stdio(*map(str, files))
    assert done.returncode == 0
    return done.stdout.decode(), done.stderr.decode()


def kept(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of last use of each file."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def entry_of(folder: Path, file: Path) -> Path:
    """The file that has the code of ``file``."""
    (found,) = (path for path in folder.iterdir() if file.read_bytes() in path.read_bytes())
    return found


def test_the_second_start_takes_what_the_first_has_compiled(folder: Path, file: Path) -> None:
    first, _ = start(file)
    written = kept(folder)
    assert start(file) == (first, "")
    again = kept(folder)
    assert {name: inode for name, (inode, _) in again.items()} == {name: inode for name, (inode, _) in written.items()}
    assert all(again[name][1] > written[name][1] for name in written), "each was read"
    assert f"{file}:4:" in first
    assert "ü€😀" in first
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_listening_evaluator_starts_from_it_too(folder: Path, file: Path) -> None:
    first, _ = start(file)
    written = kept(folder)
    with TcpEvaluator(str(file)) as evaluator, evaluator.connect() as peer:
        assert peer.read() == first.rstrip("\n")
    found = kept(folder)
    assert all(found[name][0] == inode and found[name][1] > used for name, (inode, used) in written.items())
    assert len(found) == len(written) + 1, "beside them, what notices jobs in Python (worktimes/line_python.js)"


def test_a_changed_file_is_compiled_again(folder: Path, file: Path) -> None:
    first, _ = start(file)
    file.write_text(SOURCE.replace("long.length", "long.length + 1"), encoding="utf-8")
    changed, _ = start(file)
    assert changed == first.replace("100000", "100001")
    file.write_text(SOURCE, encoding="utf-8")
    assert start(file) == (first, "")


def test_a_torn_file_is_written_again(folder: Path, file: Path) -> None:
    first, _ = start(file)
    entry = entry_of(folder, file)
    whole = entry.read_bytes()
    for torn in (b"", whole[:1000], whole[:-1], whole[:-40] + bytes(40)):
        entry.write_bytes(torn)
        assert start(file) == (first, "")
        written = entry.read_bytes()
        assert written != torn
        assert start(file) == (first, "")
        assert entry.read_bytes() == written, "it is taken"


def test_evaluators_that_start_at_once_share_the_folder(folder: Path, file: Path) -> None:
    with ThreadPoolExecutor(6) as starts:
        outputs = set(starts.map(start, [file] * 6))
    assert len(outputs) == 1
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    assert {start(file)} == outputs


def test_a_full_disk_is_no_fault(folder: Path, file: Path) -> None:
    first, _ = start(file)
    for path in folder.iterdir():
        path.unlink()
    done = subprocess.run(
        [*COMMAND, str(file)],
        input=b"",
        capture_output=True,
        timeout=DEADLINE,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, first, b"")
    assert all(path.stat().st_size <= 50_000 for path in folder.iterdir())
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("fault", ["others may write", "no folder", "off"])
def test_without_a_folder_files_are_compiled_each_time(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    folder.parent.mkdir()
    if fault == "others may write":
        folder.mkdir()
        folder.chmod(0o777)
    elif fault == "no folder":
        folder.write_text("")
    else:
        monkeypatch.setenv("DCP_EVALUATOR_CACHE", "off")
    outputs = [start(file) for _ in range(2)]
    assert outputs[0] == outputs[1]
    assert "100000,true]" in outputs[0][0]
    message = f"dcp-evaluator: compiled start-up files are not kept: {folder}"
    assert (message in outputs[0][1]) == (fault != "off")
    assert not folder.is_dir() or list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder at fault, not the one below it; and what helps."""
    monkeypatch.setenv("DCP_EVALUATOR_CACHE", "/proc/none/cache")
    output, notice = start(file)
    assert "100000,true]" in output
    reason = "/proc/none cannot be made: No such file or directory"
    remedy = "DCP_EVALUATOR_CACHE may name another folder, or be off"
    assert f"dcp-evaluator: compiled start-up files are not kept: {reason}; {remedy}\n" in notice


def test_a_wrong_limit_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_EVALUATOR_CACHE_MIB", "much")
    done = stdio(str(file))
    assert done.returncode == 2
    assert done.stderr.decode() == "dcp-evaluator: DCP_EVALUATOR_CACHE_MIB is a number of MiB, not 'much'\n"


def test_the_folder_is_bounded(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCP_EVALUATOR_CACHE_MIB", "1")
    for number in range(12):
        file.write_text(f"// {number}\n{SOURCE}", encoding="utf-8")
        start(file)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 1 << 20
    assert entry_of(folder, file)
