"""What a Python distribution gains by being compiled before the first job."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..distribution.distribution import Distribution
from ..supervision.evaluator import Evaluator
from .python_job import PythonJob

_STANDARD_LIBRARY = "python_stdlib.zip"
_COMPILE = """\
import sysconfig

import dcp
from dcp_guest.archives import compiled


def compile_archive(datum):
    archive, name = datum
    if name == "python_stdlib.zip":
        version = sysconfig.get_config_var("py_version_nodot")
        return compiled(archive, f"/lib/python{version}.zip", beside=True)
    return compiled(archive, sysconfig.get_path("purelib"), beside=False)


dcp.set_slice_handler(compile_archive)
"""


def prepare(distribution: Distribution, evaluator: Evaluator, tell: Callable[[str], object] = print) -> int:
    """Compiles the Python sources of what is installed, where that has not been done.

    ``tell`` hears of each step. Returns how many archives were compiled. Raises DcpError, OSError.
    """
    wanted = [(name, sha256) for name, sha256 in _archives(distribution) if not distribution.compiled(name, sha256)]
    if not wanted:
        return 0
    job = PythonJob((((distribution.folder / name).read_bytes(), name) for name, _ in wanted), _COMPILE, ())
    job.usual_modules = ()
    job.worktimeVersion = distribution.version
    made = job.local_exec(1, progress_timeout=None, evaluator=evaluator)
    for number, ((name, sha256), archive) in enumerate(zip(wanted, made, strict=True), 1):
        distribution.keep_compiled(name, sha256, archive)
        tell(f"{name} is compiled ({number} of {len(wanted)})")
    return len(wanted)


def load(distribution: Distribution, modules: list[str], evaluator: Evaluator) -> None:
    """Runs a slice with ``modules``, so that what it needs of WebAssembly is compiled. Raises DcpError."""
    job = PythonJob([None], "import dcp\ndcp.set_slice_handler(lambda nothing: None)\n", ())
    job.worktimeVersion = distribution.version
    job.modules = modules
    job.local_exec(1, evaluator=evaluator).values()


def _archives(distribution: Distribution) -> Iterator[tuple[str, str]]:
    """The names and hashes of those with Python sources."""
    yield _STANDARD_LIBRARY, distribution.release.core[_STANDARD_LIBRARY]
    for package in distribution.installed_packages():
        if package.path.suffix == ".whl":
            yield package.file, package.sha256
