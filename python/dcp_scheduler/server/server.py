"""One process of a network: pages and services at one address, and what has to be seen to now and then."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aiohttp import web

from dcp_evaluator.metrics.address import MetricsAddress
from dcp_protocol import Target, canonical_json
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport.options import ListenOptions

from ..administration.backup import CONTENTS, DATABASE, KEY
from ..administration.office import Office
from ..control.server import control
from ..delivery.relay import Relay
from ..delivery.subscriptions import Subscriptions
from ..dialects.configuration import configuration, configuration_script
from ..errors import RefusedError, SchedulerError
from ..groups import groups
from ..jobs import handing, holdings, workers
from ..model.limits import Limits
from ..observation.gauges import NetworkCollector
from ..observation.serving import exposition, serving
from ..portal.portal import Portal
from ..services import jnu
from ..services.admission import Admission
from ..services.door import Door
from ..services.network import Network, Rules
from ..services.services import Services
from ..store.backends import backend_of
from ..store.database import Database
from ..store.transaction import Transaction
from .package_pages import package_page
from .tls import Certificate

_LOG = logging.getLogger(__name__)
_PATH = "dcp/"
_HTTPS_PORT = 443
_SWEEP_SECONDS = 10.0
_LAST_SECONDS = 5.0
_SETTLING_SECONDS = 3.0


class Server:
    """``async with Server(folder) as server: server.location`` is what clients and workers are told.

    ``folder``: the state; with its key, the database and contents, unless ``database`` or ``contents`` are elsewhere.
    ``listen``: host and port, 0 for any. ``public``: the location under which others reach it, where that is not where
    it listens.
    ``metrics``: where they are served beside the control socket; ``metrics_url`` is where then. ``tls``: with it, peers
    come by TLS, and without ``public``, the location has the name in the certificate.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        database: str = "",
        public: str = "",
        rules: Rules | None = None,
        limits: Limits | None = None,
        metrics: MetricsAddress | None = None,
        tls: Certificate | None = None,
        contents: str = "",
    ) -> None:
        self._folder = folder
        self._contents = contents or folder / CONTENTS
        self._tls = tls
        self._listen = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/{_PATH}"
        self._url = database or f"sqlite:///{folder / DATABASE}"
        self._public = public
        self._rules = rules or Rules()
        self._limits = limits or Limits()
        self._metrics = metrics
        self.metrics_url = ""

    @property
    def location(self) -> str:
        """Ends in a slash."""
        if self._public:
            return self._public
        listens = urlsplit(self._target.location)
        if not self._tls or not self._tls.name:
            return self._target.location.removesuffix(_PATH)
        return f"https://{self._tls.name}{'' if listens.port == _HTTPS_PORT else f':{listens.port}'}/"

    async def __aenter__(self) -> Self:
        """Raises SchedulerError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        """``stack``: gets what is to be ended, in reverse."""
        stack.enter_context(backend_of(self._url).alone())
        self.database = await asyncio.to_thread(Database, self._url, self._contents, self._committed)
        stack.push_async_callback(asyncio.to_thread, self.database.close)
        limits = self._limits
        self.subscriptions = Subscriptions(self.database, limits.events_waiting_per_client)
        self.relay = Relay(self.database, self.subscriptions)
        key = _key(self._folder / KEY)
        self.network = Network(
            key, self.database, self.subscriptions, self.relay, lambda: self.location, self._rules, limits=limits
        )
        services = Services(self.network)
        await self.database.write(groups.ensure_public)
        self._door = Door(services.answer, Admission(limits), self.network.counters)
        self._portal = Portal(self.network, services, self._door, self._connected)
        self._target = Target(
            self._listen, self.network.key, self._door.answer, pages=self._page,
            ssl_context=self._tls.context if self._tls else None,
            sessions_per_peer=limits.sessions_per_identity,
            listen_options=ListenOptions(connections_per_place=limits.connections_per_address, place=limits.place),
        )  # fmt: skip
        try:
            await stack.enter_async_context(self._target)
        except OSError as error:
            raise SchedulerError(f"cannot listen on {self._listen}: {error.strerror or error}") from None
        if self._tls:
            stack.push_async_callback(_cancelled, self._loop.create_task(self._tls.watch()))
        stack.push_async_callback(self.subscriptions.close)
        self.relay.start()
        stack.push_async_callback(self.relay.close)
        registry = self.network.counters.registry
        registry.register(NetworkCollector(self.database, lambda: self._connected().total()))
        if self._metrics:
            self.metrics_url = stack.enter_context(serving(registry, self._metrics))
        office = Office(self.database, self._connected)
        await stack.enter_async_context(control(self._folder, office, lambda: exposition(registry)))
        stack.push_async_callback(_cancelled, self._loop.create_task(self._sweep()))
        stack.push_async_callback(self._finish)

    async def _finish(self) -> None:
        """What is under way is answered; nothing begins."""
        if not await self._door.close(_LAST_SECONDS):
            _LOG.warning("some requests had no answer after %.0f s; who asked will ask again", _LAST_SECONDS)
        await self.subscriptions.settle(_SETTLING_SECONDS)
        self.database.hurry()

    def _connected(self) -> Counter[str]:
        """How many sessions each identity has."""
        return Counter(str(connection.peer) for connection in self._target.connections if connection.is_connected)

    def _committed(self, done: Transaction) -> None:
        """In the thread that writes."""
        self._loop.call_soon_threadsafe(self.relay.committed, done)

    async def _sweep(self) -> None:
        """Slices of workers that are gone go to others."""
        silent = 2 * self._rules.liveness_seconds
        gone: list[tuple[str, str]] = []

        def sweep(transaction: Transaction) -> int:
            self.relay.renew(transaction)
            workers.forget(transaction)
            taken = [handing.take_back_all(transaction, worker, owner) for worker, owner in gone]
            return handing.take_back_silent(transaction, silent) + sum(taken)

        while True:
            await asyncio.sleep(min(_SWEEP_SECONDS, silent / 4, self._rules.gone_seconds))
            gone[:] = self.network.presence.gone(self._loop.time())
            try:
                taken = await self.database.write(sweep)
                self.network.dispatcher.windows.correct(await self.database.read(holdings.by_owner))
            except Exception:
                _LOG.exception("slices of workers that are gone stay with them until the next time")
                continue
            if taken:
                _LOG.info("%d slices of workers that have not been heard of go to others", taken)

    async def _page(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            await self._door.pace("", request.remote or "", request.content_length or 0)
            return await self._portal.page(request) or await self._other_page(request)
        except RefusedError as error:
            return web.Response(status=429, text=f"{error}\n", headers={"Retry-After": "10"})

    async def _other_page(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
        if request.path.startswith(f"/{jnu.PATH}"):
            return await self._table(request, headers)
        make = {
            "/etc/dcp-config.kvin": (configuration, "application/x-kvin"),
            "/etc/dcp-config.js": (configuration_script, "application/javascript"),
        }.get(request.path)
        if make is None or request.method not in ("GET", "HEAD"):
            pace = partial(self._door.pace, "", request.remote or "")
            if package := await package_page(self.database, request, pace):
                return package
            return web.Response(status=404, text="there is no such page\n", headers=headers)
        places = (self.location, f"{self.location}{_PATH}", f"{self.location}{jnu.PATH}")
        text, kind = make[0](*places), make[1]
        return web.Response(body=text, content_type=kind, headers=headers)

    async def _table(self, request: web.BaseRequest, headers: dict[str, str]) -> web.StreamResponse:
        if request.path == f"/{jnu.PATH}time":
            return _json(jnu.server_time(), headers)
        if request.method == "OPTIONS":
            return web.Response(status=204, headers={**headers, "Access-Control-Allow-Headers": "content-type"})
        text = await request.read()
        if request.method != "POST" or len(text) > jnu.LARGEST_QUERY:
            return web.Response(status=400, text=f"a query is a POST of {jnu.LARGEST_QUERY} bytes at most\n")
        endpoint = f"{self.location}{request.path.removeprefix('/')}"
        return _json(await jnu.query(self.network, endpoint, text), headers)


def _json(reply: object, headers: dict[str, str]) -> web.Response:
    """Without a charset: dcp-client takes no other type."""
    return web.Response(body=canonical_json.encode(reply), content_type="application/json", headers=headers)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _key(path: Path) -> PrivateKey:
    """The identity of the services, which clients remember: made once. Raises SchedulerError."""
    if not path.exists():
        _make_key(path)
    try:
        return PrivateKey(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except ValueError:
        raise SchedulerError(f"{path} has no key in it; restore it from a backup, or remove it for a new one") from None


def _make_key(path: Path) -> None:
    """Of processes that do so at the same time, the first one's is everybody's."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(PrivateKey.generate().secret().hex())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
