"""``dcp-worker dashboard`` and ``dcp-worker web``: surfaces of a worker that runs, or will."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..configuration.load import load
from ..configuration.settings import WEB_PORT, WebSettings
from ..control.places import places
from ..errors import WorkerError
from ..node.state_folder import state_folder
from .controlling import find_socket
from .options import PROGRAM
from .parser import Parser, whole

_WEB = """\
Shows a running worker's page to browsers, with buttons for orders. Programs of the worker's own user on this machine
may use it as they are; all others need its token, which --show-token shows."""


def dashboard(arguments: Sequence[str]) -> int:
    """Raises UsageError, WorkerError."""
    parser = Parser(
        f"{PROGRAM} dashboard", "Shows in this terminal what a running worker does, and takes orders for it."
    )
    parser.option("--socket", metavar="PATH", type=Path, help="its control socket (default: where workers have theirs)")
    options = parser.parse(arguments)
    from ..dashboard.run import run

    run(options.socket or find_socket())
    return 0


def web(arguments: Sequence[str]) -> int:
    """Raises UsageError, WorkerError."""
    configuration = load(None).settings
    settings = configuration.web
    options = _web_parser(settings).parse(arguments)
    state = state_folder(configuration.node.state_folder)
    if options.show_token:
        from ..web.token import kept_token

        if state is None:
            raise WorkerError("there is no folder for the page's token; set node.stateFolder")
        print(kept_token(state))
        return 0
    sockets = [options.socket] if options.socket else places(configuration.node.control_socket, state)
    if not sockets:
        raise WorkerError("there is no folder for control sockets; say --socket PATH")
    from ..web.server import WebOptions, run

    place = next((path for path in sockets if path.is_socket()), sockets[0])  # of a worker that may start later
    chosen = WebOptions(
        path=place, state=state, address=options.address, port=options.port,
        names=(*(settings.names or ()), *options.name), always_token=options.always_token,
    )  # fmt: skip
    run(chosen, lambda url: print(f"The page is at {url}", flush=True))
    return 0


def _web_parser(settings: WebSettings) -> Parser:
    port = WEB_PORT if settings.port is None else settings.port
    parser = Parser(f"{PROGRAM} web", _WEB)
    parser.option("--port", type=whole(0, 65535), default=port, metavar="PORT", help=f"0: any (default: {port})")
    parser.option("--address", default=settings.address, help=f"where it listens (default: {settings.address})")
    parser.option(
        "--name", action="append", default=[], metavar="HOST",
        help="a host name under which browsers may ask for it, beside localhost and addresses",
    )  # fmt: skip
    parser.option(
        "--always-token", action="store_true", default=settings.always_token,
        help="the token is wanted of the worker's own user, too: for a proxy in front of the page",
    )  # fmt: skip
    parser.option("--show-token", action="store_true", help="show the token, and end")
    parser.option("--socket", metavar="PATH", type=Path, help="the worker's control socket")
    return parser
