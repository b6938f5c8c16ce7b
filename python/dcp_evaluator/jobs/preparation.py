"""What a Python distribution gains by being compiled before the first job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..distribution.distribution import Distribution
from .evaluator import Evaluator
from .python_job import PythonJob

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


class Sources(NamedTuple):
    """An archive of a distribution with Python sources. ``sha256``: its hash."""

    name: str
    sha256: str


def prepare(distribution: Distribution, evaluator: Evaluator, tell: Callable[[str], object] = print) -> int:
    """Compiles the sources of what is installed, and the WebAssembly, which the evaluator's cache keeps.

    ``tell`` hears of each step. Returns how many archives were compiled. Raises DcpError, OSError.
    """
    wanted = [each for each in _sources(distribution) if distribution.compiled(each.name, each.sha256) is None]
    contents = [((distribution.folder / each.name).read_bytes(), each.name) for each in wanted]
    job = PythonJob(contents, _COMPILE, ())
    job.usual_modules = ()
    job.worktimeVersion = distribution.version
    for index, archive in job.local_exec(1, progress_timeout=None, evaluator=evaluator).items() if wanted else ():
        distribution.keep_compiled(wanted[index].name, wanted[index].sha256, archive)
        tell(f"{wanted[index].name} is compiled ({index + 1} of {len(wanted)})")
    return len(wanted)


def load(distribution: Distribution, modules: list[str], evaluator: Evaluator) -> None:
    """Runs a slice with ``modules``, so that what it needs of WebAssembly is compiled. Raises DcpError."""
    job = PythonJob([None], "import dcp\ndcp.set_slice_handler(lambda nothing: None)\n", ())
    job.worktimeVersion = distribution.version
    job.modules = modules
    job.local_exec(1, evaluator=evaluator).values()


def _sources(distribution: Distribution) -> Iterator[Sources]:
    yield Sources("python_stdlib.zip", distribution.release.core["python_stdlib.zip"])
    for package in distribution.installed_packages():
        if package.path.suffix == ".whl":
            yield Sources(package.path.name, package.sha256)
