"""Names of test files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_engine


def test_each_is_there_once() -> None:
    """pytest takes them for modules of one namespace: two of a name stop a run of all tests before it begins."""
    names = Counter(path.name for path in Path(__file__).parents[1].rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
