"""The pictures of the documents can be made anew, and the documents show each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from screenshots import NAMES, make

pytestmark = pytest.mark.any_engine

DOCS = Path(__file__).parents[3] / "docs"


def test_pictures_are_made(tmp_path: Path) -> None:
    make(tmp_path)
    for name in NAMES:
        with Image.open(tmp_path / name) as made, Image.open(DOCS / "images" / name) as kept:
            assert made.size == kept.size, name
            colours = made.convert("L").getcolors()
            assert colours is not None
            assert len(colours) > 20, name


def test_the_document_shows_each() -> None:
    shown = re.findall(r"!\[[^\]]{10,}\]\(images/([^)]*)\)", (DOCS / "operating.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(NAMES)
