"""Who may see the page and press its buttons. Decisions alone; ``guard`` applies them."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_LOCAL_NAME: Final = "localhost"
_SAFE_METHODS: Final = ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a browser says of a request; None for a header that is not there.

    ``hosts``: all its Host headers. ``site``, ``mode``: of the headers Sec-Fetch-Site and Sec-Fetch-Mode.
    ``is_owner``: whether it comes from a program of the worker's own user on this machine.
    """

    path: str
    method: str = "GET"
    is_websocket: bool = False
    hosts: tuple[str, ...] = ()
    origin: str | None = None
    site: str | None = None
    mode: str | None = None
    token: str | None = None
    is_owner: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """``status``: of HTTP; 401 where a token would help."""

    status: int
    reason: str


class Access:
    """``names``: host names under which the page may be reached, beside ``localhost`` and addresses.

    ``token``: what all but the owner must know. ``always_token``: the owner too, for a proxy in front of the page.
    """

    def __init__(self, token: str, names: Iterable[str] = (), *, always_token: bool = False) -> None:
        self._token = token.encode()
        self._names = {_LOCAL_NAME, *(name.lower().rstrip(".") for name in names)}
        self._always_token = always_token

    def refusal(self, request: Request) -> Refusal | None:
        """None for a request that is welcome."""
        return self.foreign(request) or self._unknown(request)

    def foreign(self, request: Request) -> Refusal | None:
        """Why it cannot be one of the page's own: another site's page, or a name that leads here by a trick."""
        if len(request.hosts) != 1 or not self._is_ours(request.hosts[0]):
            return Refusal(403, "this is not a name of this page; --name says others")
        if request.origin is not None:
            if not _is_same(request.origin, request.hosts[0]):
                return Refusal(403, "another site's page has sent this request")
        elif request.is_websocket or (request.method not in _SAFE_METHODS and request.site != "same-origin"):
            return Refusal(403, "the request does not say which site has sent it")
        if request.site not in (None, "same-origin", "none") and not _is_link(request):
            return Refusal(403, "another site's page has sent this request")
        return None

    def knows(self, token: str) -> bool:
        """Whether it is the right one. It takes the same time for each wrong one."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._token)

    def _unknown(self, request: Request) -> Refusal | None:
        if request.is_owner and not self._always_token:
            return None
        if request.token is not None and self.knows(request.token):
            return None
        return Refusal(401, "the page's token is wanted")

    def _is_ours(self, host: str) -> bool:
        """No foreign name can lead to an address: other names could be pointed here by who owns them."""
        name = _name(host)
        return name is not None and (_is_address(name) or name in self._names)


def _name(host: str) -> str | None:
    """The name in a Host header, without the port; None where it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return name.rstrip(".") if name and parts.netloc == host and "@" not in host else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same(origin: str, host: str) -> bool:
    return origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def _is_link(request: Request) -> bool:
    """Somebody has followed a link to the page."""
    return request.path == "/" and request.mode == "navigate" and request.method == "GET"
