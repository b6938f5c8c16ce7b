"""The journal of systemd: what comes to its socket, and what is detected."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_lines import KEY, logs

from dcp_worker.logs.journal import JournalOutput
from dcp_worker.logs.lines import Line

pytestmark = pytest.mark.any_engine


@contextlib.contextmanager
def journal(folder: Path) -> Iterator[tuple[str, socket.socket]]:
    path = str(folder / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(path)
        server.settimeout(60)
        yield path, server


def fields(entry: bytes) -> dict[str, str]:
    """As the journal reads an entry: ``NAME=VALUE``, or the name, the value's size in 8 bytes, and the value."""
    found: dict[str, str] = {}
    while entry:
        head, _, rest = entry.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[8 + size :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        found[name.decode()] = value.decode()
        entry = rest
    return found


def test_entries_have_fields(tmp_path: Path) -> None:
    with journal(tmp_path) as (path, server):
        output = JournalOutput(path, "dcp-worker")
        output.say(Line("warning", " ! one", KEY.job, 3, 1))
        output.say(Line("info", "two\nPRIORITY=0\nthree"))
        output.say(Line("debug", "x" * 1_000_000))
        output.close()
        entries = [fields(server.recv(1 << 20)) for _ in range(3)]
    assert entries[0] == {
        "MESSAGE": "! one", "PRIORITY": "4", "SYSLOG_IDENTIFIER": "dcp-worker", "DCP_JOB": KEY.job, "DCP_SLICE": "3",
        "DCP_SANDBOX": "1",
    }  # fmt: skip
    assert entries[1] == {
        "MESSAGE": "two\nPRIORITY=0\nthree", "PRIORITY": "5", "SYSLOG_IDENTIFIER": "dcp-worker",
    }  # fmt: skip
    assert entries[2]["PRIORITY"] == "7"
    assert len(entries[2]["MESSAGE"]) == 32 << 10


def test_a_journal_that_is_restarted_gets_later_lines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "socket")
    output = JournalOutput(path, "dcp-worker")
    output.say(Line("info", "lost"))
    while not output._is_failing:
        pass
    with journal(tmp_path) as (_, server):
        output.say(Line("info", "found"))
        assert fields(server.recv(1000))["MESSAGE"] == "found"
        output.close()
    assert capfd.readouterr().err == (
        f"dcp-worker: the journal at {path} cannot be written, lines are lost: No such file or directory\n"
    )


def test_under_systemd_lines_go_to_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    status = os.fstat(sys.stdout.fileno())
    ours = f"{status.st_dev}:{status.st_ino}"
    with journal(tmp_path) as (path, server):
        for stream, there in ((ours, path), ("0:0", path), ("", path), (ours, str(tmp_path / "absent"))):
            monkeypatch.setenv("JOURNAL_STREAM", stream)
            log = logs("detect", journal=there)
            log.say(Line("info", f"{stream} {there}"))
            log.close()
        assert fields(server.recv(1000))["MESSAGE"] == f"{ours} {path}"
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.recv(1000)
    assert capfd.readouterr().out.splitlines() == [f"0:0 {path}", f" {path}", f"{ours} {tmp_path / 'absent'}"]


# --- systemd's own journal, in a mount namespace in which it finds an empty /run ---

JOURNALD = Path("/lib/systemd/systemd-journald")
IN_A_NAMESPACE = r"""
mount -t tmpfs none /run && mkdir -p /run/log/journal /run/systemd || exit 9
"$1" 2>/dev/null & journald=$!
trap 'kill $journald; wait $journald' EXIT
patience() { left=$((${left:-1200} - 1)); [ $left -gt 0 ] && kill -0 $journald && sleep 0.05; }
until [ -S /run/systemd/journal/socket ]; do patience || exit 9; done
"$2" -c "$3" || exit 1
entries() { journalctl --directory /run/log/journal --output json SYSLOG_IDENTIFIER=dcp-worker 2>/dev/null; }
until entries | grep -q last; do patience || exit 1; done
entries
"""
WRITES = """
from dcp_worker.logs.journal import JournalOutput
from dcp_worker.logs.lines import Line
output = JournalOutput("/run/systemd/journal/socket", "dcp-worker")
output.say(Line("error", " ! one ü", "0xjob", 3, 1))
output.say(Line("info", "two\\nPRIORITY=0\\nthree"))
output.say(Line("debug", "x" * 1_000_000))
output.say(Line("info", "last", "0xjob", 4))
output.close()
"""


@pytest.mark.skipif(not (JOURNALD.exists() and shutil.which("unshare")), reason="there is no journald here")
def test_the_journal_reads_what_is_written() -> None:
    command = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        IN_A_NAMESPACE,
        "sh",
        JOURNALD,
        sys.executable,
        WRITES,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode == 9 or "unshare" in done.stderr:
        pytest.skip("this user may not begin a journal of its own")
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    ours = ("MESSAGE", "PRIORITY", "DCP_JOB", "DCP_SLICE", "DCP_SANDBOX")
    told = [{name: entry[name] for name in ours if name in entry} for entry in entries]
    assert told[0] == {"MESSAGE": "! one ü", "PRIORITY": "3", "DCP_JOB": "0xjob", "DCP_SLICE": "3", "DCP_SANDBOX": "1"}
    assert told[1] == {"MESSAGE": "two\nPRIORITY=0\nthree", "PRIORITY": "5"}
    assert told[2]["PRIORITY"] == "7"
    assert told[3] == {"MESSAGE": "last", "PRIORITY": "5", "DCP_JOB": "0xjob", "DCP_SLICE": "4"}
