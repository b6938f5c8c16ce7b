"""What may be asked from the page: a choice of the services' operations, and some of the page's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ..dialects.fields import Fields
from ..errors import RefusedError
from ..packages import listing
from ..services.network import Ask, Handler
from . import views

ORDERS = frozenset({"cancelJob", "transferCredits", "createGroup", "changeGroup", "deleteGroup"})
"""Those that change something. Each of them is of the services, for whose peers it is the same."""
_READING = 2
_READ = frozenset({"viewAccount", "listModules"})


def operations(answer: Callable[[Ask], Any], connected: Callable[[], Mapping[str, int]]) -> Mapping[str, Handler]:
    """By name. ``answer``: of the services; ``connected``: sessions that each identity has."""
    return {
        **dict.fromkeys((*ORDERS, *_READ), answer),
        "portal.jobs": views.list_jobs,
        "portal.job": views.show_job,
        "portal.results": views.job_results(asyncio.Semaphore(_READING)),
        "portal.workers": views.list_workers(connected),
        "portal.groups": views.list_groups,
        "portal.statement": views.statement,
        "portal.package": _package,
    }


async def _package(ask: Ask) -> Any:
    """All versions of one package."""
    name = Fields(ask.data, "the package").text("name")
    found = await ask.network.database.read(lambda connection: listing.versions(connection, name))
    if not found:
        raise RefusedError("ENOENT", "there is no such package")
    return {
        "name": name, "owner": found[0].owner,
        "versions": [{"version": each.version, "published": each.published, "files": each.files} for each in found],
    }  # fmt: skip
