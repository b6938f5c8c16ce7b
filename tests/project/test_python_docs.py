"""Each program in docs/python.md runs here, chapter by chapter, and prints what the text says."""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import dcp_evaluator as dcp
from python_distribution import python_environment

DOCUMENT = Path(__file__).parents[2] / "docs/python.md"
# What a chapter's programs take for granted.
GIVEN = {
    "Results": "job = dcp.compute_for(range(4), '(x) => x * x')\nresults = job.local_exec(2)",
}


def chapters() -> dict[str, list[str]]:
    """The programs of each chapter that has some."""
    title, *others = re.split(r"^## (.*)$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert programs_in(title) == ["import dcp_evaluator as dcp\n"]
    found = dict(zip(others[::2], map(programs_in, others[1::2]), strict=True))
    return {name: programs for name, programs in found.items() if programs}


def programs_in(text: str) -> list[str]:
    """Blocks of Python; those in lists are indented."""
    return [
        textwrap.dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    ]


def run(program: str, names: dict[str, Any], name: str) -> None:
    """As a notebook runs it: where it awaits, and with its lines where Python looks for them."""
    linecache.cache[name] = (len(program), None, program.splitlines(keepends=True), name)
    code = compile(program, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(code, names)
    if inspect.iscoroutine(waiting):
        asyncio.run(waiting)


@pytest.mark.parametrize("chapter", chapters())
def test_programs_of_the_guide(chapter, capsys, monkeypatch):
    for name, value in python_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))
    notebook = ModuleType("notebook")
    monkeypatch.setitem(sys.modules, "notebook", notebook)
    names = vars(notebook)
    names["dcp"] = dcp
    exec(GIVEN.get(chapter, ""), names)
    for number, program in enumerate(chapters()[chapter]):
        run(program, names, f"<docs/python.md, {chapter}, {number}>")
        promised = re.findall(r"# -> (.*)$", program, re.MULTILINE)
        printed = capsys.readouterr().out.splitlines()
        assert not promised or printed == promised
