"""Carries a deployment: its connections, and the requests and events on them. What comes is told to another thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dcp_protocol import IncomingRequest
from dcp_protocol.connection.identity_cache import IdentityCache
from dcp_protocol.errors import ConnectionEndedError, ProtocolError, RemoteError

from ..errors import NetworkError
from ..processes.notices import notice
from .deployment import Ask, Deployment, Service, Signer, Step
from .identities import Keys
from .link import Link
from .location import Services
from .news import News, Stopped, read_news

_MOST_WAITING = 512
"""News that nobody has taken: the scheduler is not answered before."""
_CANCEL_SECONDS = 5.0
_BUSY = frozenset(("EBUSY", "EAGAIN"))
_BUSY_SECONDS = 1.0


class Session:
    """For one event loop. ``tell`` gets the news, of which each is to be ``taken``.

    ``accepted``: called once the scheduler has the job; ``wants_data``: once each time that it takes data.
    """

    def __init__(
        self,
        deployment: Deployment,
        services: Services,
        keys: Keys,
        tell: Callable[[News], object],
        accepted: Callable[[], object],
        wants_data: Callable[[], object],
    ) -> None:
        self._deployment = deployment
        self._services = services
        self._keys = keys
        self._tell = tell
        self._accepted = accepted
        self._wants_data = wants_data
        self._links: dict[Service, Link] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None
        self._changed, self._has_tokens = asyncio.Event(), asyncio.Event()
        self._room = asyncio.Semaphore(_MOST_WAITING)
        self._is_away = self._is_accepted = self._waits_for_data = self._has_given_up = False

    async def run(self) -> None:
        """Until the job has ended. Raises NetworkError, and JobCancelledError where the scheduler has ended it."""
        identities = IdentityCache()
        self._links = {service: self._link(service, identities) for service in Service}
        try:
            while not (self._deployment.end or self._deployment.is_cancelled or self._has_given_up):
                self._go()
                await self._changed.wait()
                self._changed.clear()
            if failure := self._failure or self._deployment.failure():
                raise failure
        finally:
            await self._close()

    # --- For the other thread, by way of the loop ---

    def add(self, pile: Any, count: int) -> None:
        """After ``wants_data``. ``count`` 0: there are no data any more."""
        if count:
            self._waits_for_data = False
            self._deployment.add(pile, count)
        else:
            self._deployment.has_all_data()
        self._changed.set()

    def taken(self) -> None:
        self._room.release()

    def cancel(self, reason: str) -> None:
        """``run`` returns when the scheduler knows, or after some seconds."""
        self._deployment.cancel(reason)
        self._changed.set()
        asyncio.get_running_loop().call_later(_CANCEL_SECONDS, self._give_up)

    # --- Inside ---

    def _link(self, service: Service, identities: IdentityCache) -> Link:
        return Link(
            self._services[service], self._keys.owner, identities, self._hear, lambda: self._lost(service), self._away
        )

    def _go(self) -> None:
        for ask in self._deployment.asks():
            self._background(self._carry(ask))
        if self._deployment.is_accepted and not self._is_accepted:
            self._is_accepted = True
            self._accepted()
        if self._deployment.wants_data and not self._waits_for_data:
            self._waits_for_data = True
            self._wants_data()

    def _background(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._fail(error)
        self._changed.set()

    def _fail(self, error: Exception) -> None:
        """The scheduler is not to go on with the job."""
        if self._failure is None:
            self._failure = error
            self.cancel(f"its owner has failed: {error}"[:200])

    def _give_up(self) -> None:
        self._has_given_up = True
        self._changed.set()

    async def _carry(self, ask: Ask) -> None:
        connection = await self._links[ask.step.service].connection()
        if self._is_away:
            self._is_away = False
            notice("the scheduler is back")
        signers = {Signer.NOBODY: [], Signer.OWNER: [self._keys.owner], Signer.PAYER: [self._keys.payer]}
        try:
            answer = await connection.request(
                ask.step.operation, ask.data(connection.session), authorize=signers[ask.signer]
            )
        except ConnectionEndedError:
            return  # the link says so
        except RemoteError as error:
            if error.code in _BUSY:
                await asyncio.sleep(_BUSY_SECONDS)
                self._deployment.again(ask)
            else:
                self._deployment.refused(ask, error.code, str(error))
            return
        except ProtocolError as error:
            raise NetworkError(f"{ask.step.operation} has failed: {error}", code=error.code) from None
        for news in self._deployment.answered(ask, answer):
            await self._pass_on(news)
        if ask.step is Step.SUBSCRIBE:
            self._has_tokens.set()

    async def _hear(self, request: IncomingRequest) -> str:
        """An event. Its answer says that it has been taken."""
        match request.data:
            case {"token": str() as token, "event": {"data": dict() as data}} if request.operation == "event":
                await self._has_tokens.wait()  # the answer to the subscription may be on its way still
                label = self._deployment.label_of(token)
                if label is None:
                    raise ProtocolError("ENOENT", "no subscription has this token")
                if news := self._deployment.heard(read_news(label, data)):
                    await self._pass_on(news)
                self._changed.set()
                return "success"
        raise ProtocolError("ENOSYS", "clients answer events only")

    async def _pass_on(self, news: News) -> None:
        if not isinstance(news, Stopped):
            await self._room.acquire()
            self._tell(news)

    def _lost(self, service: Service) -> None:
        if service is Service.EVENTS:
            self._has_tokens.clear()
        self._deployment.lost(service)
        self._changed.set()

    def _away(self, reason: str) -> None:
        if not self._is_away:
            self._is_away = True
            notice(f"the scheduler is away ({reason}); the job waits for it")

    async def _close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(link.close() for link in self._links.values()))
