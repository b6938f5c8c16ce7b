"""Jobs whose template is still loading: what else happens meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.processes.zygote import Zygote
from dcp_evaluator.processes.zygote_messages import Message
from dcp_evaluator.settings.settings import CACHE_VARIABLE
from python_distribution import python_environment

_DEADLINE = 60.0


@pytest.fixture
def evaluator() -> Iterator[dcp.Evaluator]:
    """One without a template."""
    with dcp.Evaluator(cache=python_environment()[CACHE_VARIABLE]) as evaluator:
        yield evaluator


def twice(x: int) -> int:
    return 2 * x


def signal_first(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> threading.Event:
    """The first template that asks for its compiler gets a signal; the event says that it has."""
    receive, sent = Zygote.receive, threading.Event()

    def received(zygote: Zygote) -> list[Message]:
        if not sent.is_set() and not zygote.is_ready:
            os.kill(zygote.pid, number)
            sent.set()
        return receive(zygote)

    monkeypatch.setattr(Zygote, "receive", received)
    return sent


def test_a_job_is_cancelled_though_its_template_never_gets_ready(evaluator, monkeypatch):
    stopped = signal_first(monkeypatch, signal.SIGSTOP)
    results = dcp.compute_for([1, 2], twice).local_exec(1, evaluator=evaluator)
    assert stopped.wait(_DEADLINE)
    results.cancel()
    with pytest.raises(dcp.JobCancelledError):
        results.wait(_DEADLINE)


def test_a_template_that_dies_while_it_loads_is_replaced(evaluator, monkeypatch):
    signal_first(monkeypatch, signal.SIGKILL)
    assert dcp.compute_for([1, 2], twice).local_exec(1, evaluator=evaluator).values() == [2, 4]


def test_one_that_cannot_be_loaded_says_why_at_once(evaluator, monkeypatch):
    begun: list[Zygote] = []
    begin = Zygote.__init__

    def counted(zygote: Zygote, *arguments: object, **keywords: object) -> None:
        begun.append(zygote)
        begin(zygote, *arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(Zygote, "__init__", counted)
    job = dcp.compute_for([1], twice)
    job._LEAST_MEMORY = 8 << 20
    with pytest.raises(dcp.ZygoteError, match=r"^Python with numpy cannot be loaded"):
        job.local_exec(1, memory_limit=8 << 20, evaluator=evaluator).wait()
    assert len(begun) == 1
