"""What a sandbox can import by name: the standard library, and packages that are installed."""

from __future__ import annotations

import functools
import importlib.util
import site
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

_MISSING = object()
HERE = __name__.partition(".")[0]
"""This package. Where a program has it as a global, the work function gets the sandbox's module ``dcp``."""
GUEST_MODULES = frozenset(("dcp", "js", "pyodide", "pyodide_js", "micropip"))
"""Only sandboxes have these."""


@functools.cache
def _folders() -> tuple[Path, ...]:
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple({Path(path).resolve() for path in paths if path})


def is_library_file(file: str | None) -> bool:
    """Whether ``file`` is not the user's own: below the folders where Python and packages are installed."""
    if file is None or file.startswith("<frozen "):
        return True
    path = Path(file)
    return path.is_absolute() and any(folder in path.resolve().parents for folder in _folders())


def is_library(module: ModuleType) -> bool:
    """Whether a sandbox may have ``module``: all but the program itself and its own files."""
    if module.__name__ == "__main__":
        return False
    file = getattr(module, "__file__", None)
    if file is None and getattr(module, "__path__", None) is not None:  # a folder without __init__.py
        return all(is_library_file(path + "/__init__.py") for path in module.__path__)
    return module.__spec__ is not None and is_library_file(file)  # else a program has made it


def may_be_loaded(name: str) -> bool:
    """Whether a sandbox can have loaded the module ``name``, dotted, before a job comes."""
    top = name.partition(".")[0]
    return top != HERE and top not in GUEST_MODULES and not _is_own(top)


def is_usual(name: str) -> bool:
    """Whether every sandbox has the module ``name``, dotted, or nearly every one."""
    return name.partition(".")[0] in {"numpy", *sys.stdlib_module_names}


def _is_own(top: str) -> bool:
    """Whether it is a module of the user's own files. Nothing is imported to find that out."""
    if top in sys.stdlib_module_names:
        return False
    module = sys.modules.get(top)
    if module is not None:
        return not is_library(module)
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and not is_library_file(spec.origin)


def place_of(value: Any) -> tuple[str, str] | None:
    """The module and the qualified name by which a library has ``value``, a function, class or the like; else None.

    Of a package's modules the outermost, as that is the public one: where others lie differs between versions.
    """
    bound = getattr(value, "__self__", None)
    owners = [value, bound if isinstance(bound, type) else type(bound), type(value)]
    both = dict.fromkeys([getattr(value, "__qualname__", None), getattr(value, "__name__", None)])
    names = [name for name in both if isinstance(name, str) and "<" not in name]
    for owner in owners:
        for module in _with_parents(str(getattr(owner, "__module__", ""))):
            for name in names:
                if _is_there(module, name, value):
                    return module.__name__, name
    for module in list(sys.modules.values()):
        for name in names:
            if isinstance(module, ModuleType) and vars(module).get(name) is value and is_library(module):
                return module.__name__, name
    return None


def has(value: Any) -> bool:
    """Whether a library has ``value``, or is it."""
    if isinstance(value, ModuleType):
        return is_library(value)
    return value is not None and place_of(value) is not None


def _with_parents(name: str) -> list[ModuleType]:
    parts = name.split(".")
    loaded = (sys.modules.get(".".join(parts[: n + 1])) for n in range(len(parts)))
    return [module for module in loaded if isinstance(module, ModuleType) and is_library(module)]


def _is_there(module: ModuleType, qualified: str, value: Any) -> bool:
    first, *rest = qualified.split(".")
    found = vars(module).get(first, _MISSING)  # getattr would load what modules load when it is asked for
    for part in rest:
        found = getattr(found, part, _MISSING)
    if found is value:
        return True
    # A method of a class is another object each time that it is asked for.
    return type(found) is type(value) and getattr(value, "__self__", None) is not None and bool(found == value)


def submodules_in_use(module: ModuleType, attributes: set[str]) -> list[str]:
    """Loaded modules below ``module`` that code with these ``attributes`` may reach through it."""
    prefix = module.__name__ + "."
    return sorted(
        name
        for name, loaded in list(sys.modules.items())
        if name.startswith(prefix)
        and isinstance(loaded, ModuleType)
        and set(name.removeprefix(prefix).split(".")) <= attributes
    )
