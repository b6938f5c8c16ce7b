"""The cache of texts: whole or not there, bounded, nobody else's, whatever kills its writers."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dcp_worker.fetching.content_cache import CacheError, ContentCache, cache_folder

pytestmark = pytest.mark.any_engine


def texts(folder: Path) -> list[Path]:
    return sorted((folder / "texts").iterdir())


def test_what_was_put_is_there_for_others_too(tmp_path: Path) -> None:
    first, second = ContentCache(tmp_path / "c"), ContentCache(tmp_path / "c")
    assert first.get("http://a/") is None
    first.put("http://a/", "t\u00e9xt")
    first.put("http://b/", "t\u00e9xt")
    assert first.get("http://a/") == second.get("http://b/") == "t\u00e9xt"
    (only,) = texts(tmp_path / "c")
    assert only.name == hashlib.sha256("t\u00e9xt".encode()).hexdigest()
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o700


def test_a_text_that_is_not_what_it_was_is_not_there(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path / "c")
    cache.put("http://a/", "text")
    (only,) = texts(tmp_path / "c")
    only.write_text("other")
    assert cache.get("http://a/") is None
    assert texts(tmp_path / "c") == []
    cache.put("http://a/", "text")
    assert cache.get("http://a/") == "text"


@pytest.mark.parametrize("entry", [b"", b"x", b"../../etc 1e9", b"\xff", b"0" * 64 + b" x", b"g" * 64 + b" 0"])
def test_an_entry_that_is_none(tmp_path: Path, entry: bytes) -> None:
    cache = ContentCache(tmp_path / "c")
    cache.put("http://a/", "text")
    (only,) = (tmp_path / "c" / "uris").iterdir()
    only.write_bytes(entry)
    assert cache.get("http://a/") is None


def test_texts_get_old(tmp_path: Path) -> None:
    ContentCache(tmp_path / "c").put("http://a/", "text")
    assert ContentCache(tmp_path / "c", max_age=0).get("http://a/") is None


def test_a_clock_that_jumps_makes_texts_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ContentCache(tmp_path / "c")
    cache.put("http://a/", "text")
    put_at = time.time()
    for jump, found in ((60, "text"), (-60, "text"), (1e7, None), (-1e7, None)):
        monkeypatch.setattr(time, "time", lambda jump=jump: put_at + jump)
        assert cache.get("http://a/") == found
        assert ContentCache(tmp_path / "c").get("http://a/") == found or jump > 0


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path / "c", limit=1000)
    for number in range(9):
        cache.put(f"http://a/{number}", str(number) * 100)
        path = tmp_path / "c" / "texts" / hashlib.sha256((str(number) * 100).encode()).hexdigest()
        os.utime(path, (time.time() - 1000 + number,) * 2)
    assert cache.get("http://a/0") == "0" * 100
    cache.put("http://a/more", "m" * 200)
    left = [number for number in range(9) if cache.get(f"http://a/{number}")]
    assert cache.get("http://a/more") == "m" * 200
    assert left == [0, 5, 6, 7, 8]


def test_a_text_larger_than_all_is_left_out(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path / "c", limit=10)
    cache.put("http://a/", "x" * 11)
    assert cache.get("http://a/") is None


def test_what_killed_writers_left_is_swept(tmp_path: Path) -> None:
    ContentCache(tmp_path / "c")
    left = tmp_path / "c" / "texts" / ".new-0123"
    left.write_text("half")
    ContentCache(tmp_path / "c")
    assert left.exists()
    os.utime(left, (time.time() - 4000,) * 2)
    ContentCache(tmp_path / "c")
    assert not left.exists()


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(CacheError, match="chmod"):
        ContentCache(tmp_path / "open")
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with pytest.raises(CacheError, match="no folder"):
        ContentCache(tmp_path / "link")
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="cannot be the cache"):
        ContentCache(tmp_path / "file")


def test_a_cache_that_vanishes_is_none(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path / "c")
    cache.put("http://a/", "text")
    (tmp_path / "c").rename(tmp_path / "d")
    assert cache.get("http://a/") is None
    cache.put("http://a/", "text")
    assert cache.get("http://a/") is None


def test_where_it_is() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/x", "HOME": "/h"}) == Path("/x/dcp-worker")
    assert cache_folder({"XDG_CACHE_HOME": "x", "HOME": "/h"}) == Path("/h/.cache/dcp-worker")
    assert cache_folder({}) is None


WRITER = """
import sys
from pathlib import Path
from dcp_worker.fetching.content_cache import ContentCache
cache = ContentCache(Path(sys.argv[1]), limit=2_000_000)
print("ready", flush=True)
for number in range(10**9):
    cache.put(f"http://a/{number % 50}", f"{number % 50} " * 20_000)
"""


def test_writers_that_are_killed_leave_whole_texts(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    for _ in range(4):
        writers = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE) for _ in range(2)
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        time.sleep(0.05)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
    cache = ContentCache(folder, limit=2_000_000)
    found = {number: text for number in range(50) if (text := cache.get(f"http://a/{number}"))}
    assert found
    assert all(text == f"{number} " * 20_000 for number, text in found.items())
    assert sum(path.stat().st_size for path in texts(folder) if not path.name.startswith(".")) <= 2_000_000
