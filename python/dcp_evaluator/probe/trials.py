"""Trials of the Vulkan drivers in children of ``--probe``: sealed as GPU hosts are, and with layers left out."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from signal import SIGSYS

from ..gpu import drivers
from ..gpu.environment import host_environment
from ..processes.ask import TIMEOUT, Outcome, run
from ..processes.exit_status import ExitStatus
from ..settings import installation
from ..settings.settings import Settings
from .diagnosis import LAYERS, Trials

_LOADER_LOG = {"VK_LOADER_DEBUG": "error,warn,driver"}
_REFUSED = re.compile(r"refused: (.+)")
_FILE = re.compile(r"file: (.+) \((\w+): (\w+)\)")
_EGL_MANIFEST = {"file_format_version": "1.0.0", "ICD": {"library_path": "libEGL_nvidia.so.0", "api_version": "1.3.0"}}


class Driver:
    """All drivers of this machine, or the one of ``manifest``, as ``dcp-gpu-host --probe`` finds them."""

    def __init__(self, settings: Settings, manifest: str | None = None, timeout: float = TIMEOUT) -> None:
        """Raises InstallationError where there is no wgpu-native."""
        self._settings = settings
        self._arguments = ["--library", installation.wgpu_library()]
        self._policy = settings.isolation_arguments()
        self._timeout = timeout
        self._environment = host_environment()
        if manifest is not None:
            self._environment |= drivers.choice([manifest])

    def other(self, manifest: str) -> Driver:
        """Another driver, tried in the same way."""
        return Driver(self._settings, manifest)

    def sealed(self) -> Outcome:
        """As GPU hosts are."""
        return self._run("--probe", *self._policy)

    def opengl(self) -> Outcome:
        """The adapters of OpenGL alone, as sealed."""
        return self._run("--probe-opengl", *self._policy)

    def without(self, layers: str) -> Outcome:
        """``layers``: of LAYERS with commas, or ``all``. The Vulkan loader's log is in the outcome's."""
        return self._run("--probe", "--without", layers, more=_LOADER_LOG)

    def traced(self, without: str | None = None) -> Outcome:
        """Refused system calls and files are in the log: ``refusals``, ``closed_files``."""
        layers = [] if without is None else ["--without", without]
        return self._run("--probe", "--show-refusals", *layers)

    def _run(self, *arguments: str, more: dict[str, str] | None = None) -> Outcome:
        environment = {**self._environment, **(more or {})}
        return run("dcp-gpu-host", [*self._arguments, *arguments], environment, dict, self._timeout)


def refusals(outcome: Outcome) -> list[str]:
    """System calls that the filter refused, as ``mknod (would end the process)``."""
    return list(dict.fromkeys(found[1] for line in outcome.log if (found := _REFUSED.fullmatch(line))))


def closed_files(outcome: Outcome) -> list[str]:
    """Files that were looked for in vain, as ``/dev/dri (EACCES)``."""
    found = (_FILE.fullmatch(line) for line in outcome.log)
    return list(dict.fromkeys(f"{file[1]} ({file[3]})" for file in found if file))


def try_out(
    driver: Driver, sealed: Outcome, works: Callable[[Outcome], bool], *, egl: bool = False, thorough: bool = False
) -> Trials:
    """What a driver needs that sealed as ``sealed`` does not work.

    ``works``: whether an outcome is what was wanted. ``egl``: try NVIDIA's EGL library where it is not. ``thorough``:
    every trial, whatever came of the first, unless that gave no answer at all.
    """
    unsealed = driver.without("all")
    helped = works(unsealed)
    other = _try_egl(driver) if egl and (thorough or not helped) else None
    hangs = unsealed.status is None
    if hangs or not (helped or thorough or sealed.status == ExitStatus(-SIGSYS)):
        return Trials(sealed, unsealed, egl=other)
    without = _one_off(driver)
    guilty = [layer for layer in LAYERS if works(without[layer])]
    refused, files = _what_was_refused(driver, guilty)
    return Trials(sealed, unsealed, without, refused, files, other)


def _one_off(driver: Driver) -> dict[str, Outcome]:
    with ThreadPoolExecutor(max_workers=len(LAYERS)) as pool:
        return dict(zip(LAYERS, pool.map(driver.without, LAYERS), strict=True))


def _what_was_refused(driver: Driver, guilty: Sequence[str]) -> tuple[list[str], list[str]]:
    """Calls and files that a driver asks for and the loader alone does not, and that open without the guilty layers."""
    traced = driver.traced()
    opened = driver.traced(",".join(layer for layer in guilty if layer != "seccomp") or "landlock,root")
    with _manifest("none", {}) as nothing:
        usual = driver.other(nothing).traced()
    calls = [call for call in refusals(traced) if call not in refusals(usual)]
    missing = {*closed_files(opened), *closed_files(usual)}
    return calls, [file for file in closed_files(traced) if file not in missing]


def _try_egl(driver: Driver) -> Outcome:
    with _manifest("egl", _EGL_MANIFEST) as manifest:
        return driver.other(manifest).without("all")


@contextmanager
def _manifest(name: str, content: object) -> Iterator[str]:
    """A manifest that GPU hosts of any user may read."""
    with tempfile.TemporaryDirectory(prefix="dcp-probe-") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / f"{name}.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        file.chmod(0o644)
        yield str(file)
