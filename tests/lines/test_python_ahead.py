"""Python of DCP's worktime is started ahead of jobs, once one has asked for it. Here a start-up file plays Pyodide."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dcp_evaluator.lines import python_ahead
from dcp_evaluator.lines.python_ahead import PythonAhead
from dcp_evaluator.processes.zygote import Zygote
from line_peer import Peer, TcpEvaluator
from process_tree import children, is_running, running
from zygote_control import wait_until

PYODIDE = """
const ran = [];
let pyodide = null;
globalThis.crypto = { getRandomValues: (bytes) => bytes.fill(7) };
let said = "";
async function pyodideInit() {
  if (pyodide !== null) return pyodide;
  await new Promise((resolve) => { ontimer(resolve); nextTimer(Date.now() + 1); });
  const before = said;
  pyodide = { toPy: () => ({ destroy() {} }), runPython: (source) => ran.push(source), before };
  return pyodide;
}
onreadln(async (line) => {
  said += line;
  if (line.startsWith("python")) await globalThis.pyodideInit();
  if (line === "loop") for (;;);
  writeln(JSON.stringify({ before: pyodide?.before, said, random: ran.filter((text) => /seed/.test(text)).length }));
});
"""
UNSTARTED = '{"said":"%s","random":0}'
HERE = '{"before":"python","said":"python","random":0}'
AHEAD = '{"before":"","said":"%s","random":%d}'
READY = "Python is started ahead of the next jobs"


@contextmanager
def serving(tmp_path: Path, source: str = PYODIDE) -> Iterator[TcpEvaluator]:
    file = tmp_path / "start.js"
    file.write_text(source, encoding="utf-8")
    with TcpEvaluator(str(file), options=("-d", "7")) as evaluator:
        yield evaluator


def zygotes(evaluator: TcpEvaluator) -> list[int]:
    own = children(evaluator.process.pid)
    return running("dcp-zygote", own) + running("node", own)


def ask(evaluator: TcpEvaluator, line: str) -> str:
    with evaluator.connect() as peer:
        return peer.ask(line)


def test_after_a_job_has_asked_for_python_sandboxes_have_it_and_nothing_of_that_job(tmp_path: Path) -> None:
    with serving(tmp_path) as evaluator:
        assert ask(evaluator, "other") == UNSTARTED % "other"
        assert len(zygotes(evaluator)) == 1
        assert ask(evaluator, "python") == HERE
        evaluator.wait_for(READY)
        assert [ask(evaluator, "python") for _ in range(3)] == [AHEAD % ("python", 1)] * 3
        assert ask(evaluator, "other") == AHEAD % ("other", 0)
        assert len(zygotes(evaluator)) == 2


def test_many_jobs_that_ask_at_once_and_again_have_one_zygote(tmp_path: Path) -> None:
    with serving(tmp_path) as evaluator:
        peers = [Peer(evaluator.port) for _ in range(4)]
        for peer in peers:
            assert peer.ask("python") == HERE
        evaluator.wait_for(READY)
        for peer in peers:
            peer.close()
        assert ask(evaluator, "python") == AHEAD % ("python", 1)
        assert len(zygotes(evaluator)) == 2


def test_the_end_of_either_zygote_ends_its_own_sandboxes_alone(tmp_path: Path) -> None:
    with serving(tmp_path) as evaluator, evaluator.connect() as usual:
        assert usual.ask("python") == HERE
        evaluator.wait_for(READY)
        first, second = zygotes(evaluator)
        with evaluator.connect() as lost:
            lost.ask("python")
            os.kill(second, signal.SIGKILL)
            assert lost.read() == ""
        evaluator.wait_for("the next job in Python starts it again")  # what it was asked for meanwhile is lost
        assert usual.ask("").startswith('{"before":"python"')
        assert ask(evaluator, "other") == UNSTARTED % "other"
        assert ask(evaluator, "python") == HERE
        evaluator.wait_for(READY)
        with evaluator.connect() as kept:
            assert kept.ask("one") == AHEAD % ("one", 0)
            time.sleep(1.1)  # one that ends at once is not replaced
            os.kill(first, signal.SIGKILL)
            assert usual.read() == ""
            assert kept.ask("two") == AHEAD % ("onetwo", 0)
            assert ask(evaluator, "python") == AHEAD % ("python", 1)


def test_python_that_does_not_start_is_tried_once(tmp_path: Path) -> None:
    source = PYODIDE.replace("const before", "if (said === '') throw new RangeError('no');\n  const before")
    with serving(tmp_path, source) as evaluator:
        assert ask(evaluator, "python") == HERE
        assert "RangeError: no" in evaluator.wait_for("Python is not started ahead of jobs")
        assert ask(evaluator, "python") == HERE
        assert len(zygotes(evaluator)) == 1


def test_all_end_with_the_evaluator(tmp_path: Path) -> None:
    with serving(tmp_path) as evaluator:
        ask(evaluator, "python")
        evaluator.wait_for(READY)
        processes = zygotes(evaluator)
        with evaluator.connect() as peer:
            peer.ask("python")
            processes += [child for zygote in processes for child in children(zygote)]
            evaluator.process.kill()
            wait_until(lambda: not any(map(is_running, processes)), "they have ended")


class FakeZygote(Zygote):
    def __init__(self) -> None:
        self.is_ready = True
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_it_goes_when_no_job_has_asked_for_long_and_no_sandbox_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[FakeZygote] = []

    def start() -> Zygote:
        made.append(FakeZygote())
        return made[-1]

    monkeypatch.setattr(python_ahead, "IDLE_SECONDS", -1.0)
    ahead = PythonAhead(start, lambda zygote: None, lambda zygote: None)
    ahead.expect()
    ahead.expect()
    assert ahead.take() is made[0]
    ahead.made(1)
    ahead.rest()
    assert not made[0].closed
    ahead.forget(1)
    ahead.rest()
    assert made[0].closed
    assert ahead.take() is None
    ahead.expect()
    monkeypatch.setattr(python_ahead, "IDLE_SECONDS", 60.0)
    ahead.rest()
    assert ahead.take() is made[1]
