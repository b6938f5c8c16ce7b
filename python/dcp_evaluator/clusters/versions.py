"""What a node and a program have of this package and of Python; whether they go together."""

from __future__ import annotations

from typing import Any, NamedTuple


class Versions(NamedTuple):
    """``package``: of dcp-evaluator, None where there is none, and ``problem``: why it cannot be loaded. ``python``:
    its version, and ``program``: where it is. ``ray``: its version. ``system``: as
    ``Linux x86_64``. ``pyodide``: distributions of Python for sandboxes, the newest first.
    """

    package: str | None
    problem: str | None
    python: str
    program: str
    ray: str
    system: str
    pyodide: tuple[str, ...]

    @classmethod
    def of(cls, told: dict[str, Any]) -> Versions:
        """``told``: by ``tell_versions``."""
        return cls(**{**told, "pyodide": tuple(told["pyodide"])})

    def refusal(self, program: Versions) -> str | None:
        """Why no evaluator on this node may take slices of the ``program``, and what helps; None where one may."""
        if self.package is not None and self.package == program.package:
            return None
        if self.problem is not None:
            reason = f"dcp-evaluator cannot be loaded there: {self.problem}"
        elif self.package is None:
            reason = "dcp-evaluator is not installed there"
        else:
            reason = f"it has dcp-evaluator {self.package}, this program {program.package}"
        return f"{reason}; run there: {self.program} -m pip install 'dcp-evaluator[ray]=={program.package}'"


def tell_versions() -> dict[str, Any]:
    """The fields of Versions. For ``call_on``: it uses nothing around it."""
    import platform
    import sys
    from importlib.metadata import version

    told: dict[str, Any] = {
        "package": None,
        "problem": None,
        "python": platform.python_version(),
        "program": sys.executable,
        "ray": version("ray"),
        "system": f"{platform.system()} {platform.machine()}",
        "pyodide": [],
    }
    try:
        from dcp_evaluator.settings.installation import VERSION

        told["package"] = VERSION
        from dcp_evaluator.distribution.places import distributions

        told["pyodide"] = [each.version for each in distributions()[0]]
    except ImportError as error:
        if error.name != "dcp_evaluator" and told["package"] is None:
            told["problem"] = str(error)
    return told
