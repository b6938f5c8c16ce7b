"""The files of the page, and what browsers may do with them: run no script but these, and ask nobody else."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

PATH = "/portal/"
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_HOST = re.compile(r"[A-Za-z0-9.-]{1,255}(:[0-9]{1,5})?", re.ASCII)  # policies have no addresses of IPv6
HEADERS = {
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}  # fmt: skip
"""Of all that the portal answers."""


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    kind: str
    tag: str


class Site:
    def __init__(self) -> None:
        self._files = _read(files(__package__) / "site")

    def page(self, request: web.BaseRequest) -> web.Response | None:
        """None where there is no such file."""
        file = self._files.get(request.path.removeprefix(PATH) or "index.html")
        if file is None or request.method not in ("GET", "HEAD"):
            return None
        headers = {**HEADERS, "Content-Security-Policy": _policy(request.host), "Cache-Control": "no-cache"}
        headers["ETag"] = f'"{file.tag}"'
        if any(tag.value in (file.tag, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.data, content_type=file.kind, charset="utf-8", headers=headers)


def _policy(host: str) -> str:
    """Packages of strangers have addresses on the same host: scripts are of the portal's folder alone."""
    folder = f"{host}{PATH}" if _HOST.fullmatch(host) else "'self'"
    return (
        f"default-src 'none'; script-src {folder}; style-src {folder}; connect-src {folder}; img-src {folder} data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _read(folder: Traversable, prefix: str = "") -> dict[str, _File]:
    found = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found.update(_read(entry, f"{prefix}{entry.name}/"))
        elif (kind := _TYPES.get(entry.name.rpartition(".")[2])) is not None:
            data = entry.read_bytes()
            found[prefix + entry.name] = _File(data, kind, hashlib.sha256(data).hexdigest()[:32])
    return found
