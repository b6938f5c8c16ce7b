"""The file of pauses that outlive a worker, as others may have left it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dcp_worker.node.pausing import Pausing
from dcp_worker.rules.pauses import CPU, Pause
from dcp_worker.views.words import reason

pytestmark = pytest.mark.any_engine


@pytest.mark.parametrize(
    "text",
    [b"", b"[", b"\xff", b"{}", b'[{"target": 1}]', b'[{"target": "cpu", "until": 1e999}]',
     b'[{"target": "cpu", "x": ' + b"[" * 100_000],
)  # fmt: skip
def test_one_that_is_broken_is_told(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "pauses.json").write_bytes(text)
    told: list[str] = []
    assert list(Pausing(tmp_path, told.append).pauses) == []
    assert [one.partition(" are not known")[0] for one in told] == ["pauses of an earlier run"]


def test_an_end_that_nobody_sees_is_none(tmp_path: Path) -> None:
    (tmp_path / "pauses.json").write_bytes(b'[{"target": "cpu", "until": 1e300}]')
    pauses = Pausing(tmp_path, pytest.fail).pauses
    assert list(pauses) == [Pause(CPU)]
    assert [reason(each, time.time()) for each in pauses.reasons(CPU)] == ["paused by its owner"]
