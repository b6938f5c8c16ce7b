"""``packageManager``: packages of modules, which everybody may read, and which their owners publish."""

from __future__ import annotations

import asyncio
from typing import Any

from ..dialects.fields import Fields
from ..dialects.packages import listing, published, read_package
from ..packages.listing import MOST_LISTED, find
from ..packages.modules import MOST_MODULES, locate
from ..packages.publishing import publish
from .network import Ask, Handler

PACKAGES = "packages/"
"""Below the network's location: the files of packages, by the names of their contents."""


async def deploy_package(ask: Ask) -> Any:
    package = await asyncio.to_thread(read_package, Fields(ask.data, "the package"))
    await publish(ask.network.database, package, ask.peer)
    return published(package)


async def fetch_module_url(ask: Ask) -> Any:
    """Of each module, and of all that these need, the place: by packages, then by files as they are called."""
    names = Fields(ask.data, "the modules").texts("modules", MOST_MODULES)
    located = await ask.network.database.read(lambda connection: locate(connection, names))
    base = ask.network.location() + PACKAGES
    return {label: {file: base + content for file, content in files.items()} for label, files in located.items()}


async def list_modules(ask: Ask) -> Any:
    fields = Fields(ask.data if ask.data is not None else {}, "the search")
    part, skip = fields.text("q", ""), fields.whole("skip", 0, most=1_000_000)
    most = min(MOST_LISTED, fields.whole("limit", MOST_LISTED) or MOST_LISTED)
    found = await ask.network.database.read(lambda connection: find(connection, part, skip, most + 1))
    return listing(found[:most], skip + most if len(found) > most else None)


OPERATIONS: dict[str, Handler] = {
    "deployPackage": deploy_package,
    "fetchModuleURL": fetch_module_url,
    "listModules": list_modules,
}
