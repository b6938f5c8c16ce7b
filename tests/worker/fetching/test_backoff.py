"""Servers that fail are left alone, longer each time."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dcp_worker.fetching.backoff import Backoffs, place

pytestmark = pytest.mark.any_engine


def test_waits_grow_as_those_of_npm() -> None:
    backoffs = Backoffs(lambda: 0.5)
    now = 0.0
    for seconds in (0, 2, 6, 14, 30, 62, 126, 180, 180):
        assert backoffs.failed("http://a/b/1", now) == seconds
        now += seconds
    assert backoffs.failed("http://a/b/1", now) == 180
    assert backoffs.failed("http://a/b/2", now + 100) == backoffs.wait("http://a/b/3", now + 100) == 80
    assert backoffs.wait("http://a/c", now) == backoffs.wait("https://a/b", now) == 0
    backoffs.succeeded("http://a/b/3")
    assert backoffs.wait("http://a/b/1", now) == 0
    assert backoffs.failed("http://a/b/1", now) == 0


def test_waits_differ_by_a_fifth() -> None:
    for share, seconds in ((0.0, 1.6), (1.0, 2.4)):
        backoffs = Backoffs(lambda share=share: share)
        backoffs.failed("http://a/", 0)
        assert backoffs.failed("http://a/", 0) == pytest.approx(seconds)


def test_places() -> None:
    assert place("http://u:p@a.b:80/c/d?e") == place("http://a.b/c") == "http://a.b/c"
    assert place("http://a.b") == "http://a.b/"
    assert place("no URL") == "no URL"


class BackoffMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.backoffs = Backoffs(lambda: 0.5)
        self.now = 0.0
        self.failures: dict[int, int] = {}

    @rule(server=st.integers(0, 2))
    def fail(self, server: int) -> None:
        before = self.backoffs.wait(f"http://{server}/", self.now)
        seconds = self.backoffs.failed(f"http://{server}/", self.now)
        if before:
            assert seconds == before
        else:
            count = self.failures[server] = self.failures.get(server, 0) + 1
            assert seconds == min(180, 2 * (2 ** (count - 1) - 1))
        assert self.backoffs.wait(f"http://{server}/?more", self.now) == seconds

    @rule(server=st.integers(0, 2))
    def succeed(self, server: int) -> None:
        self.backoffs.succeeded(f"http://{server}/")
        self.failures.pop(server, None)

    @rule(seconds=st.integers(0, 1000))
    def pass_time(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def waits_end(self) -> None:
        for server in range(3):
            wait = self.backoffs.wait(f"http://{server}/", self.now)
            assert 0 <= wait <= 180
            assert not wait or server in self.failures


TestBackoffs = BackoffMachine.TestCase
