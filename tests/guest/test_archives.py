"""Archives of Python sources with their code beside them."""

from __future__ import annotations

import importlib.util
import io
import sys
import zipfile
from pathlib import Path

import pytest

from dcp_evaluator.guest.archives import compiled

pytestmark = pytest.mark.any_engine

SOURCES = {
    "tool/__init__.py": "from .parts import two\n",
    "tool/parts.py": "def two():\n    return 2\n",
    "old.py": "print 1",
}


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in SOURCES.items():
            target.writestr(name, text)
    return made.getvalue()


def test_imports_from_within_an_archive_take_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "library.zip"
    path.write_bytes(compiled(archive(), str(path), beside=True))
    monkeypatch.syspath_prepend(str(path))
    for name in ("tool", "tool.parts"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("tool")
    assert module.two() == 2
    parts = sys.modules["tool.parts"]
    assert parts.__file__ == f"{path}/tool/parts.pyc"
    assert module.two.__code__.co_filename == f"{path}/tool/parts.py"
    assert parts.__loader__.get_source("tool.parts") == SOURCES["tool/parts.py"]
    for name in ("tool", "tool.parts"):
        monkeypatch.delitem(sys.modules, name)


def test_an_unpacked_one_has_the_code_where_imports_look_for_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(compiled(archive(), str(tmp_path), beside=False))) as made:
        tag = sys.implementation.cache_tag
        assert set(made.namelist()) - set(SOURCES) == {
            f"tool/__pycache__/__init__.{tag}.pyc", f"tool/__pycache__/parts.{tag}.pyc",
        }  # fmt: skip
        made.extractall(tmp_path)
    cached = Path(importlib.util.cache_from_source(str(tmp_path / "tool" / "parts.py")))
    before = cached.read_bytes()
    spec = importlib.util.spec_from_file_location("parts", tmp_path / "tool" / "parts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.two() == 2
    assert cached.read_bytes() == before
