"""The files of packages by HTTP. What has a name here never changes: everybody may keep it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from ..packages.modules import is_published
from ..services.package_manager import PACKAGES
from ..store.database import Database

_PATH = re.compile(rf"/{PACKAGES}([0-9a-f]{{64}})", re.ASCII)
_YEAR = 365 * 24 * 3600


async def package_page(
    database: Database, request: web.BaseRequest, pace: Callable[[int], Awaitable[None]]
) -> web.StreamResponse | None:
    """None where the request is for something else. Contents that are in no package are not there for anybody.

    ``pace``: waits until so many bytes may go to this peer. Raises RefusedError, ``EBUSY``.
    """
    named = _PATH.fullmatch(request.path)
    if named is None or request.method not in ("GET", "HEAD"):
        return None
    content = named[1]
    if not await database.read(lambda connection: is_published(connection, content)):
        return None
    # Somebody's script, under the address of the network: no page of this address may be made of it.
    headers = {
        "Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": f"public, max-age={_YEAR}, immutable", "ETag": f'"{content}"',
    }  # fmt: skip
    if any(tag.value in (content, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if request.method == "GET":
        size = await asyncio.to_thread(database.contents.size, content)
        await pace(size or 0)
    data = await asyncio.to_thread(database.contents.get, content)
    return web.Response(body=data, content_type="text/javascript", charset="utf-8", headers=headers)
