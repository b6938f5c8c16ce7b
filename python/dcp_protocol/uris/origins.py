"""From where a worker may fetch, and where it may send results to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from yarl import URL

PURPOSES: Final = ("any", "fetchArguments", "fetchData", "fetchWorkFunctions", "sendResults")
"""What origins are allowed for. ``any`` holds for all, and for purposes that have no name here too."""

SCHEDULER: Final = "scheduler"
"""Stands in a list for the origin of the scheduler, and for its subdomains."""

_EVERY: Final = ""


class AllowedOrigins:
    """Origins (``https://example.com``) by purpose, for all compute groups or for one; of ``file:`` URIs, paths.

    The rules are those of 5.6.1's ``worker/origin-access-manager.js``. 4.4.29 does not count subdomains of the
    scheduler for the scheduler; ``subdomains=False`` is like it.
    """

    def __init__(
        self,
        allowed: Mapping[str, Iterable[str]] | None = None,
        *,
        scheduler: str | None = None,
        subdomains: bool = True,
    ) -> None:
        """``allowed``: lists of origins by PURPOSES, as a configuration has them; ``scheduler``: the scheduler's URL.

        Raises ValueError where they are not so.
        """
        self._scheduler = URL(scheduler) if scheduler else None
        self._subdomains = subdomains
        self._allowed: dict[str, dict[str, set[str]]] = {}
        for purpose, origins in (allowed or {}).items():
            if purpose not in PURPOSES:
                raise ValueError(f"there are no origins for {purpose!r}; there are {', '.join(PURPOSES)}")
            if isinstance(origins, str) or not isinstance(origins, Iterable):
                raise ValueError(f"the origins of {purpose} must be a list")
            for origin in origins:
                self.add(origin, purpose)

    def add(self, origin: str, purpose: str = "any", group: str | None = None) -> None:
        """Allows an origin for a purpose, to all groups or to the compute group of this id.

        A URL stands for its origin. Raises ValueError for what is no text, and for a broken URL.
        """
        if not isinstance(origin, str):
            raise ValueError(f"an origin for {purpose} must be a text, such as https://example.com")
        by_purpose = self._allowed.setdefault(group or _EVERY, {})
        by_purpose.setdefault(purpose, set()).add(_normal(origin))

    def remove(self, origin: str, purpose: str = "any", group: str | None = None) -> None:
        """Takes that back; nothing happens where it was not allowed so."""
        self._allowed.get(group or _EVERY, {}).get(purpose, set()).discard(_normal(origin))

    def remove_group(self, group: str) -> None:
        """Takes back all that was allowed to this group alone."""
        self._allowed.pop(group, None)

    def allows(self, origin: str, purpose: str, group: str | None = None) -> bool:
        """Whether one of these has the origin: ``any`` or the purpose, for all groups or for this one."""
        wanted = {origin, SCHEDULER} if self._is_schedulers(origin) else {origin}
        lists = [self._allowed.get(key, {}).get(name) for key in (_EVERY, group or _EVERY) for name in ("any", purpose)]
        return any(wanted & origins for origins in lists if origins)

    def _is_schedulers(self, origin: str) -> bool:
        if self._scheduler is None:
            return False
        if origin == str(self._scheduler.origin()):
            return True
        # As in dcp-client, a subdomain with a port of its own is none.
        same_scheme = origin.startswith(f"{self._scheduler.scheme}://")
        return self._subdomains and same_scheme and origin.endswith(f".{self._scheduler.host}")


def _normal(origin: str) -> str:
    if origin.startswith(("http://", "https://")):
        return str(URL(origin).origin())
    return origin
