"""Which version of a worktime a job gets."""

from __future__ import annotations

from collections.abc import Iterable

from semantic_version import NpmSpec, Version

from ..tasks.capabilities import Worktime, Worktimes


def choose_worktime(wanted: Worktime, available: Iterable[Worktimes]) -> Worktime | None:
    """The newest version that the job's range holds; None where there is none.

    Jobs of dialect 4 name a version, those of dialect 5 a version or a range.
    """
    versions = next((each.versions for each in available if each.name == wanted.name), ())
    if wanted.version in versions:
        return wanted
    try:
        allowed = NpmSpec(wanted.version)
    except ValueError:
        return None
    fitting = [version for text in versions if (version := _parse(text)) and version in allowed]
    return Worktime(wanted.name, str(max(fitting))) if fitting else None


def _parse(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:
        return None
