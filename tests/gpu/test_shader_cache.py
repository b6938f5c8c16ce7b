"""Compiled shaders are kept for the next run of their job, and for nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from dcp_evaluator import _native
from dcp_evaluator.gpu import shader_cache
from dcp_evaluator.gpu.shader_archive import pack, unpack
from dcp_evaluator.gpu.shader_cache import ShaderCache
from dcp_evaluator.gpu.shader_folder import ShaderFolder
from dcp_evaluator.settings.settings import Settings
from dcp_evaluator.supervision.identity import identity
from gpu_square import SQUARE_ON_GPU

KEY, OTHER = b"k" * 32, b"o" * 32
SHADERS = {"ab/" + "0" * 38: b"code", "cd/" + "f" * 62: bytes(1000)}

Given = list[int]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """How many shaders each host was given."""
    counts: Given = []
    put = ShaderFolder.put
    monkeypatch.setattr(ShaderFolder, "put", lambda self, shaders: (counts.append(len(shaders)), put(self, shaders)))
    return counts


def run(cache: Path | str, source: str = SQUARE_ON_GPU, *arguments: object) -> int:
    """In an evaluator of its own, as in a new program."""
    with dcp.Evaluator(cache=cache) as evaluator:
        (result,) = dcp.compute_for([7], source, *arguments).local_exec(1, evaluator=evaluator)
    return result


def until(is_kept: Callable[[], bool], run_again: Callable[[], object]) -> None:
    """A driver writes what it has compiled when it has nothing else to do: a host may have ended before that."""
    for _ in range(50):
        run_again()
        if is_kept():
            return
    raise AssertionError("no shader was kept")


def kept(cache: Path) -> dict[str, float]:
    """The files and when each was written."""
    return {file.name: file.stat().st_ino for file in (cache / "shaders").glob("*")}


# --- Jobs ---


def test_a_job_finds_what_it_has_compiled(tmp_path: Path, given: Given) -> None:
    until(lambda: bool(kept(tmp_path)), lambda: run(tmp_path))
    assert not any(given)
    before: list[dict[str, float]] = []

    def run_it() -> None:
        before.append(kept(tmp_path))
        assert run(tmp_path) == 49

    until(lambda: kept(tmp_path) == before[-1], run_it)  # nothing was compiled
    assert given[-1] > 0
    assert len(kept(tmp_path)) == 1


def test_another_work_function_finds_nothing(tmp_path: Path, given: Given) -> None:
    until(lambda: len(kept(tmp_path)) == 1, lambda: run(tmp_path))
    until(lambda: len(kept(tmp_path)) == 2, lambda: run(tmp_path, SQUARE_ON_GPU + " "))
    assert not any(given)


def test_other_arguments_find_nothing(tmp_path: Path, given: Given) -> None:
    """They may be code, for work functions that evaluate them."""
    for argument in ("1", "2", bytes(100_000), bytes(99_999) + b"1"):
        run(tmp_path, SQUARE_ON_GPU, argument)
    assert given == [0, 0, 0, 0]


def test_jobs_of_one_evaluator_are_kept_apart(tmp_path: Path, given: Given) -> None:
    with dcp.Evaluator(cache=tmp_path) as evaluator:

        def run_one(source: str) -> None:
            dcp.compute_for([7], source).local_exec(1, evaluator=evaluator).wait()

        until(lambda: len(kept(tmp_path)) == 1, lambda: run_one(SQUARE_ON_GPU))
        until(lambda: len(kept(tmp_path)) == 2, lambda: run_one(SQUARE_ON_GPU + " "))
        assert not any(given)
        run_one(SQUARE_ON_GPU)
    assert given[-1] > 0


def test_sandboxes_of_one_job_share_it(tmp_path: Path, given: Given) -> None:
    """One after the other: what a host has compiled is there for the next one."""
    source = SQUARE_ON_GPU.replace("return", "if (x === 7) while (true); return")

    def run_new(cache: Path) -> None:
        """Two sandboxes, since the first runs out of time."""
        given.clear()
        with dcp.Evaluator(cache=cache) as evaluator:
            results = dcp.compute_for([7, 8], source).local_exec(1, evaluator=evaluator, slice_timeout=2.0)
            assert [results.wait().errors[0].code, results[1]] == ["ETIMEOUT", 64]
        assert given[0] == 0

    caches = (tmp_path / str(number) for number in range(50))
    until(lambda: given[1] > 0, lambda: run_new(next(caches)))


def test_nothing_is_kept_where_the_cache_is_off(tmp_path: Path, given: Given) -> None:
    assert run("off") == 49
    assert given == []


def test_a_folder_that_others_may_write_is_not_used(tmp_path: Path, given: Given, capfd) -> None:
    (tmp_path / "shaders").mkdir()
    (tmp_path / "shaders").chmod(0o777)
    assert [run(tmp_path), run(tmp_path)] == [49, 49]
    assert given == [0, 0]
    assert "compiled shaders are not kept: " in capfd.readouterr().err


def test_spoiled_files_do_no_harm(tmp_path: Path, given: Given) -> None:
    until(lambda: bool(kept(tmp_path)), lambda: run(tmp_path))
    (file,) = (tmp_path / "shaders").iterdir()
    whole = file.read_bytes()
    for spoiled in (b"", whole[:-1], whole[:1] + b"?" + whole[2:]):
        file.write_bytes(spoiled)
        until(lambda: file.read_bytes()[:24] == whole[:24], lambda: run(tmp_path))
    assert not any(given)


# --- What a job is ---


@contextmanager
def memory(*contents: bytes) -> Iterator[list[int]]:
    descriptors = [os.memfd_create("test") for _ in contents]
    for descriptor, content in zip(descriptors, contents, strict=True):
        os.write(descriptor, content)
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_a_job_is_all_that_its_sandboxes_are_assigned() -> None:
    identities = set()
    for parts in ([b"a", b""], [b"a"], [b"b"], [b"ab"], [b"a", b"b"], [b"b", b"a"], [b"", b"ab"]):
        with memory(*parts) as descriptors:
            identities.add(identity(b"f", descriptors))
    assert len(identities) == 7
    assert None not in identities


def test_a_job_with_very_much_is_not_known_again() -> None:
    with memory(b"") as descriptors:
        os.truncate(descriptors[0], 1 << 40)
        assert identity(b"f", descriptors) is None


# --- Files ---


def test_only_the_same_key_reads_an_archive() -> None:
    packed = pack(KEY, SHADERS)
    assert unpack(KEY, packed) == SHADERS
    assert unpack(OTHER, packed) == {}


def test_a_torn_archive_is_empty() -> None:
    packed = pack(KEY, SHADERS)
    assert [unpack(KEY, packed[:size]) for size in range(0, len(packed), 7)] == [{}] * len(range(0, len(packed), 7))
    for at in range(0, len(packed), 11):
        assert unpack(KEY, packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]) == {}


_WRITER = """
import itertools, sys
from dcp_evaluator import _native
from dcp_evaluator.gpu.shader_archive import pack
files = _native.KeptFiles(sys.argv[1], 1 << 30)
print(flush=True)
for size in itertools.count(1):
    files.write(b"k" * 32, pack(b"k" * 32, {"ab/" + "0" * 38: bytes(size << 16)}))
"""


def test_a_program_that_is_killed_leaves_a_whole_file(tmp_path: Path) -> None:
    for round_number in range(5):
        command = [sys.executable, "-c", _WRITER, tmp_path / "shaders"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.01 * round_number)
            writer.send_signal(signal.SIGKILL)
        data = _native.KeptFiles(str(tmp_path / "shaders"), 1 << 30).read(KEY)
        assert data is None or len(unpack(KEY, data)) == 1


# --- The folder of a host that was taken over ---


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ShaderFolder]:
    path = tmp_path / "host"
    path.mkdir()
    folder = ShaderFolder(os.open(path, os.O_RDONLY | os.O_DIRECTORY))
    yield folder
    folder.close()


def test_what_was_put_is_there(folder: ShaderFolder) -> None:
    folder.put(SHADERS)
    folder.put(SHADERS)
    assert folder.new({}, 10, 2000) == SHADERS
    assert folder.new({next(iter(SHADERS)): b""}, 10, 2000) == dict(list(SHADERS.items())[1:])


def test_bounds_hold(folder: ShaderFolder) -> None:
    folder.put({f"ab/{number:038x}": bytes(100) for number in range(20)})
    assert len(folder.new({}, 5, 10_000)) == 5
    assert len(folder.new({}, 50, 550)) == 5


def test_only_plain_files_with_names_of_shaders_are_read(folder: ShaderFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / ("0" * 38)).write_text("secret")
    host = tmp_path / "host"
    (host / "ab").mkdir()
    (host / "cd").symlink_to(secret)
    (host / "ab" / ("1" * 38)).symlink_to(secret / ("0" * 38))
    os.mkfifo(host / "ab" / ("2" * 38))
    (host / "ab" / ("3" * 38)).mkdir()
    (host / "ab" / "index").write_text("x")
    (host / "ab" / ("Z" * 38)).write_text("x")
    (host / "index").write_text("x")
    with (host / "ab" / ("4" * 38)).open("w") as holes:
        holes.truncate(1 << 40)
    os.mkfifo(host / "ef")
    (host / "ab" / ("5" * 38)).write_text("good")
    assert folder.new({}, 100, 1000) == {"ab/" + "5" * 38: b"good"}


# --- A job's hosts ---


class Host:
    """The folder of a host, without the host."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True)
        self.path = path
        self.folder = ShaderFolder(os.open(path, os.O_RDONLY | os.O_DIRECTORY))

    def found(self) -> list[str]:
        return sorted(f"{file.parent.name}/{file.name}" for file in self.path.glob("*/*"))

    def compiles(self, name: str, data: bytes = b"code") -> None:
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_bytes(data)


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[Callable[[], Host]]:
    hosts: list[Host] = []

    def make() -> Host:
        hosts.append(Host(tmp_path / "hosts" / str(len(hosts))))
        return hosts[-1]

    yield make
    for host in hosts:
        host.folder.close()


A, B = (lambda: b"a" * 32), (lambda: b"b" * 32)
NAME, SECOND = "ab/" + "0" * 38, "ab/" + "1" * 38


def test_what_a_host_had_that_failed_is_forgotten(tmp_path: Path, new_host: Callable[[], Host]) -> None:
    """A shader that crashes its driver is not met at the start of each later run."""
    cache = ShaderCache(Settings(cache=tmp_path / "cache"))
    for failed in (False, True):
        cache.begin(A)
        host = new_host()
        cache.give(host.folder)
        host.compiles(NAME)
        cache.take(host.folder, failed=failed)
        cache.end()
    cache.begin(A)
    host = new_host()
    cache.give(host.folder)
    assert host.found() == []


def test_a_host_of_an_earlier_job_is_not_listened_to(tmp_path: Path, new_host: Callable[[], Host]) -> None:
    cache = ShaderCache(Settings(cache=tmp_path / "cache"))
    late, host, next_one = new_host(), new_host(), new_host()
    cache.begin(A)
    cache.give(late.folder)
    late.compiles(NAME)
    cache.end()
    cache.begin(B)
    cache.give(host.folder)
    cache.take(late.folder, failed=False)
    cache.give(next_one.folder)
    assert next_one.found() == []


def test_other_drivers_find_nothing(
    tmp_path: Path, new_host: Callable[[], Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gives() -> list[str]:
        cache = ShaderCache(Settings(cache=tmp_path / "cache"))
        cache.begin(A)
        host = new_host()
        cache.give(host.folder)
        found = host.found()
        host.compiles(NAME)
        cache.take(host.folder, failed=False)
        cache.end()
        return found

    assert gives() == []
    assert gives() == [NAME]
    with monkeypatch.context() as patch:
        patch.setattr(shader_cache, "installed_drivers", lambda: (("/usr/share/vulkan/icd.d/new.json", 1, 2),))
        assert gives() == []
    monkeypatch.setenv("LP_NATIVE_VECTOR_WIDTH", "128")
    assert gives() == []


def test_a_job_has_so_many_and_no_more(tmp_path: Path, new_host: Callable[[], Host]) -> None:
    cache = ShaderCache(Settings(cache=tmp_path / "cache"))
    cache.begin(A)
    for _ in range(3):
        host = new_host()
        cache.give(host.folder)
        host.compiles(f"ab/{os.urandom(19).hex()}", bytes(shader_cache.MOST_BYTES // 2))
        for number in range(400):
            host.compiles(f"cd/{number:02x}{os.urandom(18).hex()}", b"x")
        cache.take(host.folder, failed=False)
    last = new_host()
    cache.give(last.folder)
    assert 400 < len(last.found()) <= shader_cache.MOST_SHADERS
    assert sum((last.path / name).stat().st_size for name in last.found()) <= shader_cache.MOST_BYTES


def test_the_jobs_that_ran_longest_ago_go_first(tmp_path: Path, new_host: Callable[[], Host]) -> None:
    def run_job(letter: bytes, data: bytes = b"") -> list[str]:
        cache = ShaderCache(Settings(cache=tmp_path / "cache", cache_limit=1 << 20))
        cache.begin(lambda: letter * 32)
        host = new_host()
        cache.give(host.folder)
        found = host.found()
        if data:
            host.compiles(NAME, data)
        cache.take(host.folder, failed=False)
        cache.end()
        return found

    for letter in (b"a", b"b", b"c", b"d"):
        run_job(letter, bytes(300_000))
    assert run_job(b"a") == []
    assert run_job(b"d") == [NAME]
    assert sum(file.stat().st_size for file in (tmp_path / "cache" / "shaders").iterdir()) <= 1 << 20
