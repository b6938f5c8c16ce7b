"""What sandboxes ask for while they work: modules, and fetches of work functions."""

from __future__ import annotations

from collections.abc import Sequence

from dcp_protocol.errors import ProtocolError
from dcp_protocol.uris import ForbiddenOriginError

from ..fetching.module_fetcher import ModuleFetcher
from ..fetching.work_fetcher import WorkFetcher
from ..sandboxes.events import FetchRequest, FetchResponse, ModuleGroup
from ..sandboxes.jobs import FetchRefusedError


class Services:
    """For all sandboxes of a worker."""

    def __init__(self, modules: ModuleFetcher, work: WorkFetcher) -> None:
        self._modules = modules
        self._work = work

    async def modules(self, names: Sequence[str]) -> ModuleGroup:
        """Raises FetchFailedError."""
        return (await self._modules.fetch(names)).packages

    async def fetch(self, wanted: FetchRequest) -> FetchResponse:
        """Raises FetchRefusedError."""
        try:
            answer = await self._work.fetch(wanted.url, wanted.method, wanted.headers, wanted.body)
        except ForbiddenOriginError as error:
            raise FetchRefusedError(str(error), "EPERM_ORIGIN", "DCPError") from None
        except ProtocolError as error:
            raise FetchRefusedError(str(error)) from None
        return FetchResponse(answer.url, answer.status, answer.status_text, answer.headers, answer.body)
