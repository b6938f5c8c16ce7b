"""A distribution of Pyodide in a folder: which files a sandbox loads for the modules that a job names."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from ..errors import InstallationError
from .modules import UnknownModuleError, is_in_the_interpreter, refusal
from .packages import Package, Packages, read_packages
from .releases import LOCK, RELEASES, Release, release_of, supported
from .verification import Verification, intruders, write_whole

ADDED = "added-packages.json"
"""Of the form of a lock file, for packages that the user has added to those of the release, or in place of them."""

COMPILED = "compiled"
"""The folder of what was made of its archives here."""

INSTALL = "dcp-evaluator python install"
"""The remedy that messages name."""


class Distribution:
    """What is in ``folder``. Two are equal where they have the same files to offer.

    Raises InstallationError where the folder holds no supported distribution, or where others may write to it.
    """

    def __init__(self, folder: str | os.PathLike[str], *, releases: tuple[Release, ...] = RELEASES) -> None:
        self.folder = Path(folder).absolute()
        lock, added = self._read(LOCK), self._read(ADDED, needed=False)
        self.lock_sha256 = hashlib.sha256(lock).hexdigest()
        release = release_of(self.lock_sha256, releases)
        if release is None:
            raise InstallationError(
                f"{self.folder / LOCK} is not the lock file of a supported release of Pyodide ({supported(releases)}), "
                f"or is damaged; run: {INSTALL}"
            )
        self.release = release
        self._identity = (str(self.folder), hashlib.sha256(lock + b"\0" + added).hexdigest())
        self.lock = Packages(read_packages(lock, self.folder, self.folder / LOCK))
        self.added = Packages(read_packages(added, self.folder, self.folder / ADDED) if added else ())
        self.packages = Packages([*self.lock.values(), *self.added.values()])
        self._verification = Verification(self.folder)

    def _read(self, name: str, *, needed: bool = True) -> bytes:
        try:
            refused = intruders(self.folder.stat())
            content = b"" if refused else (self.folder / name).read_bytes()
        except FileNotFoundError:
            if not needed:
                return b""
            raise InstallationError(f"{self.folder} holds no whole Python distribution; run: {INSTALL}") from None
        except OSError as error:
            raise InstallationError(f"{self.folder / name} cannot be read: {error.strerror}") from None
        if refused:
            raise InstallationError(f"{self.folder} {refused}")
        return content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distribution) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"<Distribution of Pyodide {self.version} (Python {self.python}) in {str(self.folder)!r}>"

    @property
    def version(self) -> str:
        """Of Pyodide, as ``"0.27.7"``."""
        return self.release.version

    @property
    def python(self) -> str:
        """The version of Python, as ``"3.12"``."""
        return self.release.python

    def core(self) -> dict[str, Path]:
        """The files of Pyodide itself by their names: loaders, program, WebAssembly, standard library and lock.

        Raises InstallationError for the first that is missing or damaged.
        """
        for name, sha256 in self.release.core.items():
            self._check(self.folder / name, sha256, INSTALL)
        self._verification.keep()
        return self.core_paths()

    def core_paths(self) -> dict[str, Path]:
        """The same, whether they are there or not."""
        return {name: self.folder / name for name in (*self.release.core, LOCK)}

    def faults(self) -> list[str]:
        """What is wrong with the files that are there, a sentence for each; and with those of the core."""
        packages = {package.file: package.sha256 for package in self.installed_packages()}
        hashes = self.release.core | packages
        found = ((self.folder / name, self._verification.fault(self.folder / name, hashes[name])) for name in hashes)
        sentences = [f"{path} {fault}" for path, fault in found if fault]
        self._verification.keep()
        return sentences

    def resolve(self, modules: Iterable[str]) -> tuple[Package, ...]:
        """The packages that have ``modules``, with those that they need, in the order in which they are loaded.

        ``modules``: names to import, as ``"sklearn.svm"``, or names of packages, as ``"scikit-learn"``. Modules that
        are in the interpreter need no package. The files are there and have their hashes.
        Raises UnknownModuleError; InstallationError where a package is not installed or is damaged.
        """
        found = (self._package_of(module) for module in modules)
        packages = self.packages.with_dependencies(package for package in found if package is not None)
        for package in packages:
            self._check(package.path, package.sha256, self._remedy(package))
        self._verification.keep()
        return packages

    def _package_of(self, module: str) -> Package | None:
        """None for a module that is there without one. Raises UnknownModuleError."""
        package = self.packages.find(module)
        if package is None and not is_in_the_interpreter(module, self._standard_library):
            raise UnknownModuleError(module, refusal(module, self.version, self.packages))
        return package

    @cached_property
    def _standard_library(self) -> frozenset[str]:
        """The modules and packages in ``python_stdlib.zip``."""
        try:
            with zipfile.ZipFile(self.core()["python_stdlib.zip"]) as archive:
                return frozenset(name.split("/")[0].split(".")[0] for name in archive.namelist())
        except (OSError, zipfile.BadZipFile):
            return frozenset()

    def _check(self, path: Path, sha256: str, remedy: str) -> None:
        if fault := self._verification.fault(path, sha256):
            self._verification.keep()
            raise InstallationError(f"{path} {fault}; run: {remedy}")

    def _remedy(self, package: Package) -> str:
        if package.name in self.added:
            return f"dcp-evaluator python add {package.name}"
        source = "" if self.release.carrier else "--from FOLDER|ARCHIVE|URL "
        return f"{INSTALL} {source}{package.name}"

    def has(self, module: str) -> bool:
        """Whether a package that is installed has it."""
        package = self.packages.find(module)
        return package is not None and package.path.exists()

    def compiled(self, name: str, sha256: str) -> Path | None:
        """The file ``name``, of that hash, with the code of its Python sources; None where it has not been made."""
        path = self._compiled_path(name, sha256)
        try:
            refused = intruders(path.stat()) or intruders(path.parent.stat())
        except OSError:
            return None
        return None if refused else path

    def keep_compiled(self, name: str, sha256: str, content: bytes) -> None:
        """What ``compiled`` gives from now on. Raises OSError."""
        path = self._compiled_path(name, sha256)
        path.parent.mkdir(mode=0o755, exist_ok=True)
        write_whole(path, content)

    def forget_compiled(self, name: str, sha256: str) -> None:
        """Removes what was made of a file. Raises OSError."""
        self._compiled_path(name, sha256).unlink(missing_ok=True)

    def _compiled_path(self, name: str, sha256: str) -> Path:
        return self.folder / COMPILED / f"{sha256}-{name}"

    def installed_packages(self) -> list[Package]:
        """Those whose files are there, by name. Their content is not looked at."""
        return sorted((each for each in self.packages.values() if each.path.exists()), key=lambda each: each.name)
