"""All operations, at one location: names are their own but for ``listJobs``, which two services have."""

from __future__ import annotations

from typing import Any

from dcp_protocol import IncomingRequest

from ..errors import RefusedError
from . import bank, compute_groups, deployment, listening, outcomes, package_manager, work
from .network import Ask, Handler, Network


async def _list_jobs(ask: Ask) -> Any:
    of_a_group = isinstance(ask.data, dict) and "descriptor" in ask.data
    return await (compute_groups.list_jobs(ask) if of_a_group else outcomes.list_jobs(ask))


_OPERATIONS: dict[str, Handler] = {
    **deployment.OPERATIONS,
    **work.OPERATIONS,
    **listening.OPERATIONS,
    **outcomes.OPERATIONS,
    **compute_groups.OPERATIONS,
    **bank.OPERATIONS,
    **package_manager.OPERATIONS,
    "listJobs": _list_jobs,
}


class Services:
    """Answers requests of all peers."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def answer(self, request: IncomingRequest) -> object:
        """The reply. Raises RefusedError."""
        return await self.answer_to(Ask.of(self._network, request))

    async def answer_to(self, ask: Ask) -> object:
        """The same, however it came."""
        handler = _OPERATIONS.get(ask.operation)
        if handler is None:
            raise RefusedError("ENOSYS", f"this scheduler has no operation {ask.operation!r:.80}")
        reply: object = await handler(ask)
        return reply
