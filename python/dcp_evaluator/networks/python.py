"""Python for the worktime ``pyodide`` of dcp-client: a script, and an archive of files that it unpacks.

The archive is an argument of the script: of images that the worktime unpacks itself its Python warns every user. It has
the guest, which makes the work function and its values as in sandboxes of this machine (``guest``), and
the parts of the job, each a value of ``guest/wire.py``: a text, or buffers in files of their own.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dcp_protocol import kvin

from ..guest.failures import FAILED
from ..guest.wire import to_wire
from ..worktimes.python import guest_files
from .program import Failure, Program, thrown
from .values import from_kvin

WORKTIME, VERSIONS = "pyodide", ">=0.26.0"
_FOLDER = "/dcp-job"
_HERE = frozenset(("dcp", "dcp_evaluator", "js", "pyodide", "pyodide_js"))
_SCRIPT = """\
{imports}import sys
if "dcp_guest.network" not in sys.modules:
    import importlib, io, zipfile
    zipfile.ZipFile(io.BytesIO(sys.argv.pop())).extractall("{folder}")
    sys.path.insert(0, "{folder}")
    importlib.import_module("dcp_guest.network").start("{folder}")
"""


def python_program(
    parts: Mapping[str, Any], modules: Iterable[str], version: str | None = None, *, wants_gpu: bool = False
) -> Program:
    """``parts``: of a job, as ``guest/driver.py`` has them. ``modules``: what the job imports; ``version``: of Pyodide.

    Raises TypeError for parts that cannot travel.
    """
    roots = sorted({name.partition(".")[0] for name in modules} - sys.stdlib_module_names - _HERE)
    # Never run: the worktime looks for what is imported in this text, and loads it.
    imports = f"if 0: import {', '.join(roots)}\n" if roots else ""
    source = _SCRIPT.format(imports=imports, folder=_FOLDER)
    archive = _archive({name: to_wire(part) for name, part in parts.items()})
    # The first says where the script's own arguments begin: there is nothing for the worktime itself.
    return Program(source, WORKTIME, version or VERSIONS, [1, archive], _outcome, _told, wants_gpu)


def _archive(parts: Mapping[str, str | list[Any]]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (*_guest(), *_files(parts)):
            archive.writestr(name, content)
    return made.getvalue()


def _guest() -> Iterator[tuple[str, bytes]]:
    for name, path in guest_files().items():
        if name.endswith(".py"):
            yield name, Path(path).read_bytes()


def _files(parts: Mapping[str, str | list[Any]]) -> Iterator[tuple[str, bytes]]:
    for part, value in parts.items():
        if isinstance(value, str):
            yield f"parts/{part}", value.encode()
        else:
            for number, buffer in enumerate(value):
                yield f"parts/{part}.{number}", bytes(memoryview(buffer).cast("B"))


def _outcome(value: Any) -> Any:
    """A value of wire.py, or the failure that failures.py has described."""
    if isinstance(value, kvin.JSError):
        return thrown(value)
    match value := from_kvin(value):
        case [str() as kind, str() as name, str() as message, str() as stack] if kind == FAILED:
            return Failure(name, message, stack)
    return value


def _told(value: Any) -> Any:
    """Events are JSON: their buffers come as texts (guest/network.py)."""
    return value if isinstance(value, str) else [part.encode("latin-1") for part in from_kvin(value)]
