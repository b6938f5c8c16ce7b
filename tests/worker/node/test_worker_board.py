"""What a worker shows of itself: npm's report, one line on a terminal, its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dcp_worker.logs.notices import Paid, SandboxGone, SandboxReady, SliceEnded, SliceProgress, SliceStarted
from dcp_worker.node.board import Board
from dcp_worker.node.ledger import Ledger
from dcp_worker.node.worker_id import worker_id
from dcp_worker.tasks.slices import SliceKey, SliceMetrics

pytestmark = pytest.mark.any_engine

KEY = SliceKey("0x" + "1" * 40, 3)


def test_a_worker_keeps_its_id(tmp_path: Path) -> None:
    first = worker_id(tmp_path)
    assert len(first) == 22
    assert worker_id(tmp_path) == first
    (tmp_path / "worker-id").write_text("nonsense")
    assert worker_id(tmp_path) != first
    assert len(worker_id(tmp_path / "missing")) == 22


def test_the_report_is_npms() -> None:
    ledger = Ledger()
    board = Board(ledger, lambda: 7)
    for notice in (
        SandboxReady(1), SandboxReady(2), SandboxReady(3), SliceStarted(1, KEY, "primes"), SliceProgress(1, 0.25),
        SliceStarted(2, KEY, "\x1b[2J" + "x" * 99), SandboxGone(3, None),
    ):  # fmt: skip
        ledger(notice)
    cut = "\ufffd[2J" + "x" * 30
    lines = board.report().splitlines()
    assert lines[0] == lines[-1] == "=" * 78
    assert lines[2:] == [
        "Sandboxes:", "  Working:     2", "  Ready:       0", "  Terminated:  1", "  * ALL:       2", "Progress:",
        f"    1: {KEY.job[:22]} {'primes':<34} 0:00 25%",
        f"    2: {KEY.job[:22]} {cut} 0:00 ind",
        "Slices:", "  working:     2", "  queued:      7", "=" * 78,
    ]  # fmt: skip
    assert re.fullmatch(r" . 2 slices working, 25%, 7 queued, 0 completed, 0.000 DCC", board.status())
    ledger(SliceEnded(1, KEY, "primes", "completed", SliceMetrics()))
    ledger(Paid(KEY, 0.5))
    assert "1 slices working, 7 queued, 1 completed, 0.500 DCC" in board.status()
