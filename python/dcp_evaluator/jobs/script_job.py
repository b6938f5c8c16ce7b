"""A whole Python program in one sandbox, as a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..functions.scripts import imports_of
from ..supervision.evaluator import Evaluator
from .python_job import PythonJob
from .results import Results

_RUN = """\
import dcp
from dcp_guest.script import run

dcp.set_slice_handler(run)
"""
_UNLIMITED = 1 << 62


class ScriptJob(PythonJob):
    """A job with one slice, whose result is the exit status of the program.

    What it writes are the events ``stdout`` and ``stderr`` of ``work``, str or bytes; ``missing`` has the name of a
    module that it lacks, where that ends it. A hostile program may send anything there.
    """

    usual_modules = ()

    def __init__(
        self, source: str, file: str, arguments: Sequence[str], modules: Mapping[str, bytes], stdin: bytes
    ) -> None:
        """``file``: its name in tracebacks; ``arguments``: all of ``sys.argv``; ``modules``: files beside it."""
        program = {"source": source, "file": file, "arguments": list(arguments), "stdin": stdin}
        super().__init__([program], _RUN, ())
        for name, content in modules.items():
            self.fs.add_bytes(name, content)
        sources = [source, *(content.decode("utf-8", "replace") for content in modules.values())]
        self._packed = replace(self._packed, imports=frozenset().union(*map(imports_of, sources)))
        self.wants_gpu = "gpu" in source

    def start(self, evaluator: Evaluator) -> Results:
        """Raises InstallationError where no Python is installed."""
        return self.local_exec(
            1, progress_timeout=None, retries=0, output_limit=_UNLIMITED, evaluator=evaluator, gpu_errors="console"
        )
