"""Who answered at a location before (DCP: ``protocol/identity-cache.js``).

The file is npm's: an object in JSON of locations (origin and path) and addresses, ``identity-cache.json``.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ProtocolError
from ..keys.address import Address

_LARGEST = 1 << 24


def base_href(location: str) -> str:
    """Origin and path of a URL, as JavaScript has them: host in lower case, without the scheme's own port."""
    url = urlsplit(location)
    default = {"http": 80, "https": 443}.get(url.scheme)
    host = url.hostname or ""
    port = "" if url.port in (None, default) else f":{url.port}"
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}{url.path or '/'}"


class IdentityCache:
    """``path`` None: nothing is kept beyond this object."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._addresses: dict[str, Address] = {}

    def known(self, location: str) -> Address | None:
        """Raises ProtocolError, ``EINVAL``, where the file is none of ours."""
        self._load()
        return self._addresses.get(base_href(location))

    def learn(self, location: str, address: Address) -> None:
        """The first address of a location stays; the file is replaced as a whole.

        A file that cannot be written is no error: the next program learns anew.
        """
        self._load()
        if base_href(location) in self._addresses:
            return
        self._addresses[base_href(location)] = address
        if self._path and not os.environ.get("DCP_IDENTITY_CACHE_WRITE_DISABLE"):
            with contextlib.suppress(OSError):
                self._save(self._path)

    def _load(self) -> None:
        if self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                told = json.loads(file.read(_LARGEST))
            self._addresses = {href: Address.parse(address) for href, address in told.items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            remedy = "repair or delete it"
            raise ProtocolError("EINVAL", f"{self._path} holds no addresses of peers ({error}): {remedy}") from None

    def _save(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(self._addresses, file, separators=(",", ":"))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
