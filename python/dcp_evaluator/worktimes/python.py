"""The worktime of work functions in Python: Pyodide with a job's modules, in a template of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..distribution.distribution import Distribution

_GUEST = Path(__file__).parent.parent / "guest"
_SCRIPT = "python.js"
_LOADER = "pyodide.js"
_MOST_NAMES = 4


class PythonWorktime(NamedTuple):
    """What the sandboxes of a job share: two that are equal need one template.

    ``modules``: what is imported before the first slice, with the packages that they are in.
    """

    distribution: Distribution
    modules: tuple[str, ...]

    @classmethod
    def of(cls, distribution: Distribution, modules: Iterable[str]) -> PythonWorktime:
        return cls(distribution, tuple(sorted(set(modules))))

    @property
    def title(self) -> str:
        """For people: ``Python with numpy and scipy``."""
        names = sorted({name.partition(".")[0] for name in self.modules})
        if len(names) > _MOST_NAMES:
            names[_MOST_NAMES:] = [f"{len(names) - _MOST_NAMES} more"]
        *first, last = names or [""]
        return f"Python with {', '.join(first)} and {last}" if first else f"Python with {last}" if last else "Python"

    def serves(self, other: PythonWorktime) -> bool:
        """Whether its sandboxes have all that those of ``other`` have."""
        there = {name for module in self.modules for name in _with_parents(module)}
        return self.distribution == other.distribution and there >= set(other.modules)

    def description(self) -> str:
        """For native/runtime/js/template.js. Raises UnknownModuleError, InstallationError."""
        packages = self.distribution.resolve(self.modules)
        core = self.distribution.core()
        files = {name: self._file(path, self.distribution.release.core.get(name)) for name, path in core.items()}
        files |= {package.path.name: self._file(package.path, package.sha256) for package in packages}
        return json.dumps(
            {
                "script": str(_GUEST / _SCRIPT),
                "scripts": [_LOADER],
                "files": files,
                "packages": [package.name for package in packages],
                "guest": guest_files(),
                "modules": [name for module in self.modules for name in self._imports(module)],
            }
        )

    def _file(self, path: Path, sha256: str | None) -> str:
        """Where its Python has been compiled, that."""
        return str((sha256 and self.distribution.compiled(path.name, sha256)) or path)

    def _imports(self, module: str) -> Sequence[str]:
        """The name itself, or the modules of the package that has this name: ``PIL`` of ``pillow``."""
        package = self.distribution.packages.find(module)
        is_import = package is None or module.partition(".")[0] in {name.partition(".")[0] for name in package.imports}
        return [module] if package is None or is_import else package.imports


def _with_parents(module: str) -> Iterator[str]:
    """Importing one imports these."""
    while module:
        yield module
        module = module.rpartition(".")[0]


@cache
def guest_files() -> dict[str, str]:
    """Where they are in the sandbox, below its site-packages, and here."""
    names = [path.relative_to(_GUEST) for path in sorted(_GUEST.rglob("*")) if path.suffix in (".py", ".js")]
    return {_place(name): str(_GUEST / name) for name in names}


def _place(name: Path) -> str:
    """The packages below the guest's folder are the sandbox's own; the guest itself is one beside them."""
    return str(name) if len(name.parts) > 1 else f"dcp_guest/{name}"
