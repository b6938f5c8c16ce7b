from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from public_copies import PublicCopies


@pytest.fixture(scope="session")
def public(temporary_folder: Path) -> Iterator[PublicCopies]:
    with tempfile.TemporaryDirectory() as folder:
        yield PublicCopies(Path(folder))
