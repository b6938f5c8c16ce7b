"""Logs of dcp-worker at work: several outputs at once, and no secret in any of them."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from pathlib import Path

import pytest

from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.workers import IDENTITY_KEY, OWN_COMMAND, PROGRAMS, SCHEDULERS, own_program, running

JOIN_SECRET = "an0ther s3cret"
JOIN_HASH = "eh1-" + "0123456789abcdef" * 4
PROXY = "http://somebody:pa55word@proxy.example:3128/"
TELLS_SECRETS = f"key {IDENTITY_KEY}, secret {JOIN_SECRET}, hash {JOIN_HASH}, proxy {PROXY}"
GROUPS = [{"joinKey": "one", "joinSecret": JOIN_SECRET}, {"joinKey": "two", "joinHash": JOIN_HASH}]


class Datagrams:
    """Takes what comes to a socket, until the block ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.texts: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._take)

    def __enter__(self) -> Datagrams:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.path))
        self._thread.join()
        self._socket.close()

    def _take(self) -> None:
        while data := self._socket.recv(1 << 20):
            self.texts.append(data.decode())


def test_all_outputs_at_once_and_no_secret_in_any(tmp_path: Path, dialect: str) -> None:
    job = Job(work="(x) => { progress(); return x; }", data=[1, 2], payment=0.5)
    text, objects = tmp_path / "worker.text", tmp_path / "worker.json"
    log = {
        "file": str(text),
        "jsonFile": str(objects),
        "journal": str(tmp_path / "journal"),
        "syslog": {"address": str(tmp_path / "syslog"), "transport": "unix"},
    }
    program = own_program(PROGRAMS[dialect], node={"log": log}, worker={"computeGroups": GROUPS})
    options = ("-o", "console:warning,logfile:debug,json,journal:debug,syslog:debug")

    async def run() -> str:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.add(job)
            async with running(program, tmp_path, network, options) as worker:
                await network.until(lambda: job.is_done and len(network.subscriptions) == 2)
                await network.command("announce", {"message": TELLS_SECRETS})
                async with asyncio.timeout(60):
                    while "announces" not in text.read_text():
                        await asyncio.sleep(0.05)
                folders = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR"), str(worker.home))
                asked = await asyncio.create_subprocess_exec(
                    OWN_COMMAND, "logs", env=program.environment | folders, stdout=asyncio.subprocess.PIPE
                )
                seen, _ = await asked.communicate()
                assert await worker.stop() == 0
            return seen.decode()

    with Datagrams(tmp_path / "journal") as journal, Datagrams(tmp_path / "syslog") as syslog:
        on_control = asyncio.run(run())
    entries, messages = journal.texts, syslog.texts
    everything = (text.read_text(), objects.read_text(), "".join(entries), "".join(messages), on_control)
    for secret in (IDENTITY_KEY.removeprefix("0x"), JOIN_SECRET, JOIN_HASH, "pa55word"):
        assert not [log for log in everything if secret.lower() in log.lower()], secret
    assert all("[secret]" in log for log in everything)
    assert "Slice" not in (tmp_path / "worker.log").read_text()
    assert "Slice Completed" in text.read_text()
    assert "Submitted" in text.read_text()
    told = [json.loads(line) for line in objects.read_text().splitlines()]
    (first,) = (one for one in told if "Slice Started:   slice 1," in one["message"])
    assert (first["slice"], first["sandbox"]) == (1, 1)
    assert first["job"]
    assert [entry for entry in entries if f"DCP_JOB={first['job']}\nDCP_SLICE=1\n" in entry]
    assert [message for message in messages if "Slice Started:   slice 2," in message]


@pytest.mark.any_engine
def test_a_log_file_is_reopened_and_another_is_chosen_by_sighup(tmp_path: Path) -> None:
    home = tmp_path / "worker"
    configuration = home / ".dcp" / "dcp-config.json"
    first, second = tmp_path / "first.log", tmp_path / "second.log"

    def choose(path: Path) -> None:
        configuration.parent.mkdir(parents=True, exist_ok=True)
        configuration.write_text(json.dumps({"node": {"log": {"file": str(path)}}}))

    async def until(path: Path, words: str) -> None:
        async with asyncio.timeout(60):
            while not path.exists() or words not in path.read_text():
                await asyncio.sleep(0.05)

    async def run() -> None:
        choose(first)
        async with (
            stand_in(SCHEDULERS["4"]) as network,
            running(own_program(PROGRAMS["4"]), tmp_path, network, ("-o", "logfile")) as worker,
        ):
            await until(first, "Ready.")
            moved = first.rename(tmp_path / "moved.log")
            worker.signal(signal.SIGHUP)
            await until(first, "The configuration was read again")
            choose(second)
            worker.signal(signal.SIGHUP)
            await until(second, "The configuration was read again")
            assert await worker.stop() == 0
            assert "Worker has stopped" in second.read_text()
            assert "Worker has stopped" not in first.read_text() + moved.read_text()

    asyncio.run(run())
