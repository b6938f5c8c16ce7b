"""What the operator publishes: a folder with ``package.dcp``, or the packages of a distribution of Pyodide."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import SchedulerError
from .reach import Reach

if TYPE_CHECKING:
    from ..model.package import Package


def publish(reach: Reach, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Raises RefusedError, SchedulerError."""
    done = []
    for package in _packages(options):
        files = {name: content.decode() for name, content in package.files.items()}
        reach.ask("package.publish", {"name": package.name, "version": package.version, "files": files})
        sizes = {name: len(content) for name, content in package.files.items()}
        done.append({"name": package.name, "version": package.version, "owner": "operator", "files": sizes})
    return done


def fetch(reach: Reach, name: str | None) -> list[dict[str, Any]]:
    """Raises RefusedError, SchedulerError."""
    found: list[dict[str, Any]] = []
    skip: int | None = 0
    while skip is not None:
        page = reach.ask("package.list", {"name": name or "", "skip": skip})
        found += page["packages"]
        skip = page.get("next")
    return found


def _packages(options: argparse.Namespace) -> Iterable[Package]:
    from ..packages.descriptor import read_folder
    from ..packages.python_packages import read_distribution

    if (options.folder is None) == (options.pyodide is None):
        raise SchedulerError("name a folder with package.dcp in it, or a distribution of Pyodide with --pyodide FOLDER")
    if options.pyodide is None:
        return [read_folder(options.folder)]
    return read_distribution(options.pyodide, options.worktime or ())
