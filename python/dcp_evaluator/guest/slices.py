"""The work function: from source that came with the job."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from . import api


def load(job: dict[str, Any]) -> Callable[..., Any]:
    """The function that runs each slice. Raises what the source raises, and TypeError where it has no function."""
    source, file, name = job["source"], job["file"], job["name"]
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": file, "__builtins__": __builtins__}
    namespace.update(job["globals"])
    # Lines of tracebacks are read here. The source begins at a line of the user's file.
    lines = "\n" * (job["first_line"] - 1) + source
    linecache.cache[file] = (len(lines), None, lines.splitlines(keepends=True), file)
    exec(compile(lines, file, "exec"), namespace)
    work = namespace.get(name) if name else api.slice_handler()
    if not callable(work):
        raise TypeError("the source has no work function: end it with dcp.set_slice_handler(function)")
    return work
