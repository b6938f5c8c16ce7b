"""Packages: the operator publishes in the name of the network, and sees to whom names belong."""

from __future__ import annotations

import asyncio
from typing import Any

from ..dialects.fields import Fields
from ..dialects.packages import listing, published, read_package
from ..packages.listing import MOST_LISTED, find
from ..packages.ownership import OPERATOR, give
from ..packages.publishing import publish
from .office import Office, Operation


async def publish_package(office: Office, fields: Fields) -> Any:
    package = await asyncio.to_thread(read_package, fields)
    await publish(office.database, package, OPERATOR)
    return published(package)


async def list_packages(office: Office, fields: Fields) -> Any:
    """In pages: ``skip`` of the next one is ``next``, where there is one."""
    part, skip = fields.text("name", ""), fields.whole("skip", 0)
    found = await office.database.read(lambda connection: find(connection, part, skip, MOST_LISTED + 1))
    return listing(found[:MOST_LISTED], skip + MOST_LISTED if len(found) > MOST_LISTED else None)


async def give_package(office: Office, fields: Fields) -> Any:
    name, owner = fields.text("name"), fields.address("owner")
    await office.database.write(lambda transaction: give(transaction, name, owner))
    return {"name": name, "owner": owner}


OPERATIONS: dict[str, Operation] = {
    "package.publish": publish_package,
    "package.list": list_packages,
    "package.give": give_package,
}
