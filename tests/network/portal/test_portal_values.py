"""Results as JSON, whatever a work function has returned."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from dcp_protocol import kvin
from dcp_protocol.uris.percent import encode_uri
from dcp_scheduler.portal.values import MOST_PARTS, Reader

pytestmark = pytest.mark.any_engine


def uri(value: Any) -> str:
    return "data:application/x-kvin," + encode_uri(kvin.serialize(value).decode())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, 2.5, "é", None, True]}, {"a": [1, 2.5, "é", None, True]}),
        ([kvin.UNDEFINED, float("nan"), float("-inf"), kvin.BigInt(2**70)], [None, "NaN", "-Infinity", str(2**70)]),
        (np.array([0.5, np.inf]), [0.5, "Infinity"]),
        (np.array([1, 2**60]), ["1", str(2**60)]),
        (b"ab", [97, 98]),
        (kvin.DataView(b"ab"), [97, 98]),
        (kvin.Map([(1, kvin.Set([2]))]), [[1, [2]]]),
        (kvin.Array({1: "b"}, 3), [None, "b", None]),
        (kvin.JSError("broken"), {"error": "broken"}),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
    ],
)
def test_values(value: Any, shown: Any) -> None:
    assert Reader().read(uri(value)) == {"value": shown}


def test_what_json_cannot_have_stays_a_uri() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    doubling: list[Any] = [1]
    for _ in range(50):
        doubling = [doubling, doubling]
    elsewhere = ("https://results.example/1", "data:application/json,{", "data:application/x-kvin,{}")
    for each in (uri(cycle), uri(doubling), uri(kvin.Array({}, 2**32 - 1)), uri(kvin.Function("f", "1")), *elsewhere):
        assert Reader().read(each) == {"uri": each}


def test_an_answer_has_an_end() -> None:
    reader, large = Reader(), uri([[1] * 1000] * (MOST_PARTS // 2500))
    assert ["value" in reader.read(large) for _ in range(4)] == [True, True, False, False]
    assert reader.is_tired
