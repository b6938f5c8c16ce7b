"""The scheduler's end of the control socket: ``POST /OPERATION`` with an object, ``GET /metrics``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from ..administration.office import Office
from ..administration.operations import perform
from ..errors import RefusedError
from . import socket_file

_LOG = logging.getLogger(__name__)
_CLOSING_SECONDS = 2.0
_LARGEST = 256 << 20
"""Bytes of a command: a package is published whole."""
Metrics = Callable[[], tuple[bytes, str]]
"""Gives them and their media type; called in a thread."""


@contextlib.asynccontextmanager
async def control(folder: Path, office: Office, metrics: Metrics) -> AsyncIterator[None]:
    """Answers while this lasts. Raises SchedulerError."""
    server = web.Server(_Answers(office, metrics).answer, request_factory=_request, access_log=None)
    with socket_file.listening(folder) as listener:
        accepting = await asyncio.get_running_loop().create_unix_server(server, sock=listener)
        try:
            yield
        finally:
            accepting.close()
            await server.shutdown(_CLOSING_SECONDS)


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: asyncio.Task[None]) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_LARGEST)


class _Answers:
    def __init__(self, office: Office, metrics: Metrics) -> None:
        self._office = office
        self._metrics = metrics

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        client = request.get_extra_info("socket")
        if client is None or not socket_file.is_allowed(client):
            return _refused(403, "EPERM", "only the scheduler's own user and root may use it")
        if request.path == "/metrics" and request.method == "GET":
            text, kind = await asyncio.to_thread(self._metrics)
            return web.Response(body=text, headers={"Content-Type": kind})
        if request.method != "POST":
            return _refused(405, "EINVAL", "commands are sent with POST")
        return await self._perform(request)

    async def _perform(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.path.removeprefix("/")
        try:
            result = await perform(self._office, name, _object(await request.read()))
        except RefusedError as error:
            return _refused(400, error.code, str(error))
        except Exception:
            _LOG.exception("the command %r failed", name[:80])
            return _refused(500, "EINTERNAL", "the scheduler could not do it, and has told why in its log")
        _LOG.info("the operator asked for %s", name)
        return web.json_response({"result": result})


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise RefusedError("EINVAL", "what was sent is no object of JSON")
    return value


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)
