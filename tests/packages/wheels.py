"""Builds the wheels of this work tree into ``out/packages``: one for each CPython, for glibc 2.31 or newer.

``make wheels`` calls it. g++ compiles against the C library of an old Debian (sysroot.py), so that the wheels run there
too. The programs are compiled once; of each wheel, only two modules depend on its Python.
"""

from __future__ import annotations

import argparse
import os
import platform
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from architectures import MACHINES, Machine
from debian_roots import BUILD, run
from pythons import VERSIONS, headers
from sysroot import definitions, make_sysroot

ROOT = Path(__file__).parents[2]
WHEELS = ROOT / "out" / "packages"


@dataclass(frozen=True)
class Builder:
    """Builds wheels of the sources in a folder."""

    machine: Machine
    sysroot: Path
    source: Path = ROOT
    folder: Path | None = None  # where it compiles
    into: Path = WHEELS

    def build(self, version: str) -> Path | None:
        """None where no headers of that CPython are here."""
        found = headers(version, self.machine)
        if found is None:
            print(f"error: no wheel for CPython {version}: no python{version} with headers is here", file=sys.stderr)
            return None
        print(f"==> Building the wheel for CPython {version}", flush=True)
        self.into.mkdir(parents=True, exist_ok=True)
        settings = [f"-C{name}={value}" for name, value in self._settings(version, found)]
        pip = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--quiet"]
        options = ["--no-deps", "--no-build-isolation", f"--wheel-dir={self.into}", *settings]
        run(*pip, *options, self.source, env=os.environ | {"SOURCE_DATE_EPOCH": time_of_commit()})
        wheel = wheel_of(version, self.machine, self.into)
        assert wheel is not None
        _normalize_modes(wheel)
        return wheel

    def _settings(self, version: str, headers: Path) -> Iterator[tuple[str, object]]:
        """Of scikit-build-core."""
        yield "build-dir", self.folder or BUILD / self.machine.name / "build"
        yield "wheel.tags", _tag(version, self.machine)
        suffix = f".cpython-{version.replace('.', '')}-{self.machine.triple}.so"
        python = {"DCP_PYTHON_HEADERS": headers, "PYTHON_MODULE_EXTENSION": suffix}
        for name, value in (definitions(self.sysroot, self.machine) | python).items():
            yield f"cmake.define.{name}", value


def _normalize_modes(wheel: Path) -> None:
    """Those of files follow the umask under which the sources were checked out."""
    packed = wheel.with_suffix(".tmp")
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(packed, "w") as new:
        for file in old.infolist():
            content, executable = old.read(file), file.external_attr >> 16 & stat.S_IXUSR
            file.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            new.writestr(file, content)
    packed.replace(wheel)


def wheel_of(version: str, machine: Machine, folder: Path = WHEELS) -> Path | None:
    """The wheel that was built; None if there is none."""
    return next(folder.glob(f"dcp_evaluator-*-{_tag(version, machine)}.whl"), None)


def _tag(version: str, machine: Machine) -> str:
    python = f"cp{version.replace('.', '')}"
    return f"{python}-{python}-{machine.platform}"


def main() -> int:
    """Returns the exit status: 1 where a wheel is left out, for want of a Python's headers."""
    options = parse(__doc__)
    builder = Builder(options.machine, make_sysroot(options.machine))
    wheels = [builder.build(version) for version in options.versions]
    for wheel in wheels:
        if wheel is not None:
            print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size / 1e6:.2f} MB")
    return 1 if None in wheels else 0


def parse(description: str | None) -> argparse.Namespace:
    """``machine``, a Machine, and ``versions`` of CPython."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--machine", choices=MACHINES, default=platform.machine())
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION", help="of CPython; otherwise all")
    options = parser.parse_args()
    options.machine = MACHINES[options.machine]
    return options


def time_of_commit() -> str:
    """In seconds: dates of the files in a wheel."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
