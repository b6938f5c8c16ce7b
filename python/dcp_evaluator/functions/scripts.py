"""Work functions in Python that are whole scripts, as DCP's Pyodide worktime takes them."""

from __future__ import annotations

import ast
import os
from pathlib import Path

from ..errors import FunctionError
from . import libraries

_MARK = "set_slice_handler"
_NAME = "work-function.py"


def is_script(work_function: object) -> bool:
    """Whether this is Python: the path of a ``.py`` file, or text that sets a slice handler."""
    if isinstance(work_function, str):
        return _is_path(work_function) or _MARK in work_function
    return isinstance(work_function, os.PathLike) and os.fspath(work_function).endswith(".py")


def read(work_function: str | os.PathLike[str]) -> tuple[str, str]:
    """The text of a script and its name for tracebacks.

    Raises OSError and ValueError for a file that cannot be read, FunctionError for a script that sets no handler.
    """
    text, name = work_function, _NAME
    if not isinstance(work_function, str) or _is_path(work_function):
        name = os.fspath(work_function)
        text = _read(Path(work_function))
    assert isinstance(text, str)
    if _MARK not in text:
        raise FunctionError(f"the script {name} sets no work function; end it with dcp.set_slice_handler(function)")
    return text.replace("\r\n", "\n"), name


def imports_of(text: str) -> frozenset[str]:
    """Dotted names that it imports, without those of the user's own modules."""
    return frozenset(filter(libraries.may_be_loaded, imported_names(text)))


def imported_names(text: str) -> frozenset[str]:
    """Dotted names that it imports; none where this Python cannot read it, as the sandbox's, another, may."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return frozenset()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")
    return frozenset(names)


def _is_path(text: str) -> bool:
    return text.endswith(".py") and "\n" not in text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"the work function in {path} is not UTF-8 text") from None
