"""The page's server, from start to end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..configuration.settings import WEB_PORT
from ..errors import WorkerError
from ..views.lifeline import closed
from .access import Access
from .guard import Asgi, Guard
from .token import kept_token

LOOPBACK: Final = "127.0.0.1"
_BACKLOG: Final = 128
_END: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """``path``: of the control socket. ``state``: the worker's state folder, which has the token; None: a new token.

    ``port`` 0: any. ``names``: host names under which the page may be reached. ``always_token``: for its owner too.
    """

    path: Path
    state: Path | None
    address: str = LOOPBACK
    port: int = WEB_PORT
    names: tuple[str, ...] = ()
    always_token: bool = False


def run(options: WebOptions, tell: Callable[[str], None], lifeline: int | None = None) -> None:
    """Until a signal ends it, or the worker that holds the other end of ``lifeline``. Raises WorkerError.

    ``tell`` hears where the page is, once it is there.
    """
    access = Access(kept_token(options.state), options.names, always_token=options.always_token)
    with _listening(options.address, options.port) as listener:
        app = Guard(_application(options.path), access)  # takes a second or two
        asyncio.run(_serve(app, listener, tell, lifeline))


def _application(path: Path) -> Asgi:
    """NiceGUI keeps nothing on disk, and reads nothing from the folder in which it happens to run."""
    os.environ["NICEGUI_STORAGE_PATH"] = "/dev/null/nicegui"
    os.environ.pop("NICEGUI_REDIS_URL", None)
    try:
        from fastapi import FastAPI
        from nicegui import ui
    except ImportError:
        raise WorkerError("the page needs more packages: pip install 'dcp-evaluator[web]'") from None

    from .hub import Hub
    from .page import STYLE, Page

    hub: Hub | None = None

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        nonlocal hub
        hub = Hub(path)
        yield
        await hub.close()

    @ui.page("/")
    async def show() -> None:
        assert hub is not None
        ui.context.client.on_delete(hub.leave)
        await hub.enter()
        Page(hub).show()

    ui.add_css(STYLE, shared=True)
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(
        app,
        title="dcp-worker",
        favicon="⚙️",
        dark=None,
        language="en-US",
        tailwind=False,
        binding_refresh_interval=None,
    )
    return app


async def _serve(app: Asgi, listener: socket.socket, tell: Callable[[str], None], lifeline: int | None) -> None:
    import uvicorn

    class _Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Not its own way, after which the process dies by the signal."""
            yield

    # h11 bounds what comes before a request is whole, which httptools does not. Warnings are what anybody can cause.
    config = uvicorn.Config(
        app, http="h11", log_level="error", access_log=False, server_header=False, date_header=False,
        proxy_headers=False, lifespan="on", timeout_graceful_shutdown=_END, ws_max_size=1 << 20,
    )  # fmt: skip
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    serving = asyncio.create_task(server.serve([listener]))
    ending = asyncio.create_task(closed(lifeline)) if lifeline is not None else None
    while not server.started and not serving.done():
        await asyncio.sleep(0.02)
    host, port = listener.getsockname()[:2]
    tell(f"http://{f'[{host}]' if ':' in host else host}:{port}/")
    await asyncio.wait([serving, *([ending] if ending else [])], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    if ending:
        ending.cancel()


@contextlib.contextmanager
def _listening(address: str, port: int) -> Iterator[socket.socket]:
    """Raises WorkerError."""
    try:
        (family, kind, _, _, place), *_ = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise WorkerError(f"{address} is no address of this machine: {error.strerror}") from None
    with socket.socket(family, kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen(_BACKLOG)
        except OSError as error:
            reason = f"{error.strerror}; choose another one, or 0 for any"
            raise WorkerError(f"the page cannot be at port {port} of {address}: {reason}") from None
        listener.setblocking(False)
        yield listener
