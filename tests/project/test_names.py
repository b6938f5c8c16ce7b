"""Names of tests and of their files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_engine
_TESTS = Path(__file__).parents[1]


def test_each_is_there_once() -> None:
    """pytest takes them for modules of one namespace: two of a name stop a run of all tests before it begins."""
    names = Counter(path.name for path in _TESTS.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []


def test_tests_have_the_same_names_in_each_process(request: pytest.FixtureRequest) -> None:
    """Processes that share the tests must agree on them: no name has an address, a time or the order of a set in it."""
    here = {item.nodeid for item in request.session.items}
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet"]
    environment = os.environ | {"PYTHONHASHSEED": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, cwd=_TESTS.parent, env=environment, capture_output=True, text=True, check=True)
    assert here - set(done.stdout.splitlines()) == set()
