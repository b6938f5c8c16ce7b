"""Tests of a network of one's own."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from postgresql import PostgreSQL
from seaweed import Seaweed

sys.path.insert(0, str(Path(__file__).parents[1] / "peers"))
sys.path.insert(0, str(Path(__file__).parent))

from desks import Desk

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def run() -> Run:
    """Runs a coroutine to its end."""
    return asyncio.run


@pytest.fixture(scope="session")
def postgresql(temporary_folder: Path) -> Iterator[PostgreSQL]:
    with tempfile.TemporaryDirectory(dir=temporary_folder) as folder, PostgreSQL(Path(folder)) as server:
        yield server


@pytest.fixture(scope="session")
def seaweed(temporary_folder: Path) -> Iterator[Seaweed]:
    with tempfile.TemporaryDirectory(dir=temporary_folder) as folder, Seaweed(Path(folder)) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a.db'}"
    url: str = request.getfixturevalue("postgresql").database()
    return url


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Jobs and workers at the tables themselves."""
    desk = Desk(tmp_path)
    yield desk
    desk.close()
