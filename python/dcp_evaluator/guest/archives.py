"""Archives of Python sources with their code beside them, so that no template compiles them again."""

from __future__ import annotations

import importlib.util
import io
import marshal
import sys
import zipfile
from importlib.machinery import SOURCE_SUFFIXES

_UNCHECKED = (0b01).to_bytes(4, "little")
"""Of a file of code: it goes by the hash of its source, which nobody looks at (PEP 552)."""


def compiled(archive: bytes, place: str, *, beside: bool) -> bytes:
    """``archive``, a zip file that is unpacked or mounted at ``place``, with the code of each source that this Python
    takes.

    ``beside``: in the same folder, as imports from within archives want it; else in ``__pycache__``. Nothing is
    compressed: that costs more time than it saves memory. Raises zipfile.BadZipFile.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as given, zipfile.ZipFile(made, "w") as target:
        names = set(given.namelist())
        for name in given.namelist():
            content = given.read(name)
            target.writestr(name, content)
            code = _code(content, f"{place}/{name}") if name.endswith(tuple(SOURCE_SUFFIXES)) else None
            file = name + "c" if beside else _cached(name)
            if code is not None and file not in names:
                target.writestr(file, code)
    return made.getvalue()


def _code(source: bytes, path: str) -> bytes | None:
    """None for what is no source of this Python: tests of packages have such files."""
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source) + marshal.dumps(code)


def _cached(name: str) -> str:
    folder, _, file = name.rpartition("/")
    cached = f"__pycache__/{file.removesuffix('.py')}.{sys.implementation.cache_tag}.pyc"
    return f"{folder}/{cached}" if folder else cached
