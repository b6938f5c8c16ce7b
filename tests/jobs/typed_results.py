"""What mypy, in ``make lint``, takes the ways to read results for. Nothing runs it."""

from __future__ import annotations

from typing import Any, assert_type

import dcp_evaluator as dcp


def read(results: dcp.Results) -> None:
    for pair in results.as_completed():
        assert_type(pair, tuple[int, Any])
    for pair in results.as_completed(errors="skip"):
        assert_type(pair, tuple[int, Any])
    for _, outcome in results.as_completed(errors="yield"):
        if isinstance(outcome, dcp.SliceError):
            assert_type(outcome.code, str)
    for pair in results.items(errors="skip"):
        assert_type(pair, tuple[int, Any])
    assert_type(results.values(default=None), list[Any])
    results.as_completed(errors="ignore")  # type: ignore[arg-type]


def handle(results: dcp.Results) -> None:
    try:
        list(results.as_completed())
    except dcp.SliceErrorGroup as group:
        assert_type(group.exceptions[0], dcp.SliceError | ExceptionGroup[dcp.SliceError])
