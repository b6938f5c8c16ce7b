"""Who is let in, decided without a server."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dcp_worker.errors import WorkerError
from dcp_worker.web.access import Access, Request
from dcp_worker.web.neighbours import is_own, owner_of
from dcp_worker.web.token import kept_token

pytestmark = pytest.mark.any_engine

TOKEN = "t" * 43
HERE = "127.0.0.1:9080"


def status(access: Access | None = None, **said: Any) -> int | None:
    """Of the refusal; None where there is none."""
    refusal = (access or Access(TOKEN)).refusal(Request(**{"path": "/", "hosts": (HERE,), "is_owner": True, **said}))
    return refusal.status if refusal else None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", HERE, "localhost", "localhost:9080", "LOCALHOST:1", "localhost.", "[::1]:9080", "[::1]",
        "192.168.1.20:9080", "box.example.com:443",
    ],
)  # fmt: skip
def test_its_own_names_are_welcome(host: str) -> None:
    assert status(Access(TOKEN, ["Box.Example.com"]), hosts=(host,)) is None


@pytest.mark.parametrize(
    "hosts",
    [
        ("evil.example",), ("evil.example:9080",), ("localhost.evil.example",), ("127.0.0.1.evil.example",),
        ("localhost@evil.example",), ("127.0.0.1", "evil.example"), (), ("",), ("[::1",), ("localhost:x",),
        ("localhost/x",), ("a b",), ("box.example.com",), ("2130706433.example",),
    ],
)  # fmt: skip
def test_a_name_that_others_may_point_here_is_refused(hosts: tuple[str, ...]) -> None:
    """DNS rebinding: a page of evil.example, whose address becomes 127.0.0.1."""
    assert status(hosts=hosts) == 403
    assert status(hosts=hosts, token=TOKEN, origin=f"http://{hosts[0]}" if hosts else None) == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "null", "", "http://127.0.0.1", "http://127.0.0.1:9081", "http://localhost:9080",
        "file://", f"http://{HERE}.evil.example", f"http://evil.example/{HERE}", f"http://x@{HERE}",
        f"http://{HERE}, http://evil.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [{}, {"method": "POST"}, {"is_websocket": True}])
def test_pages_of_other_origins_are_refused(origin: str, kind: dict[str, Any]) -> None:
    assert status(origin=origin, **kind) == 403
    assert status(origin=origin, token=TOKEN, site="same-origin", **kind) == 403


@pytest.mark.parametrize("kind", [{}, {"method": "POST"}, {"is_websocket": True}])
def test_its_own_origin_is_welcome(kind: dict[str, Any]) -> None:
    assert status(origin=f"http://{HERE}", **kind) is None
    assert status(origin=f"http://{HERE}", site="same-origin", **kind) is None


def test_what_changes_something_must_say_from_where_it_comes() -> None:
    assert status(is_websocket=True) == 403
    assert status(method="POST") == 403
    assert status(method="POST", site="same-origin") is None


@pytest.mark.parametrize("site", ["cross-site", "same-site", "strange"])
def test_other_sites_may_link_to_the_page_and_nothing_else(site: str) -> None:
    assert status(site=site, mode="navigate") is None
    assert status(site=site, mode="navigate", path="/_nicegui/x") == 403
    assert status(site=site, mode="navigate", method="POST", origin=f"http://{HERE}") == 403
    for mode in ("no-cors", "cors", "websocket", None):
        assert status(site=site, mode=mode) == 403


def test_a_token_is_wanted_of_all_but_the_owner() -> None:
    assert status(is_owner=False) == 401
    assert status(is_owner=False, token=TOKEN[1:]) == 401
    assert status(is_owner=False, token="ü") == 401
    assert status(is_owner=False, token="") == 401
    assert status(is_owner=False, token=TOKEN) is None
    assert status(Access(TOKEN, always_token=True)) == 401
    assert status(Access(TOKEN, always_token=True), token=TOKEN) is None


@pytest.fixture(params=[(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[tuple[str, int], tuple[str, int]]]:
    """Of a connection over loopback: the addresses of client and server."""
    family, host = request.param
    with socket.socket(family) as listener, socket.socket(family) as client:
        listener.bind((host, 0))
        listener.listen()
        client.connect(listener.getsockname())
        with listener.accept()[0]:
            yield client.getsockname()[:2], listener.getsockname()[:2]


def test_the_kernel_says_whose_a_connection_is(ends: tuple[tuple[str, int], tuple[str, int]]) -> None:
    client, server = ends
    assert owner_of(client, server) == os.geteuid()
    assert is_own(client, server)
    assert owner_of((client[0], client[1] ^ 1), server) is None
    assert owner_of(client, (server[0], server[1] ^ 1)) is None


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: 0100007F:C000 0100007F:2378 {state} 00000000:00000000 00:00000000 00000000  {user}        0 {inode} 1 0\n"


def in_table(folder: Path, **row: Any) -> int | None:
    """The user of the connection from port 49152 to 9080, where the kernel's table has this row."""
    (folder / "tcp").write_text(HEAD + ROW.format(**{"state": "01", "user": 1234, "inode": 77, **row}))
    return owner_of(("127.0.0.1", 0xC000), ("127.0.0.1", 9080), folder)


def test_a_socket_that_its_owner_has_closed_is_nobodys(tmp_path: Path) -> None:
    """The kernel says that root has such sockets."""
    assert in_table(tmp_path) == 1234
    for state in ("04", "05", "06", "08"):
        assert in_table(tmp_path, state=state, user=0) is None
    assert in_table(tmp_path, user=0, inode=0) is None


def test_another_machine_is_nobody_here(tmp_path: Path) -> None:
    assert owner_of(("192.168.1.2", 5), ("192.168.1.1", 9080), tmp_path) is None
    assert owner_of(("localhost", 5), ("127.0.0.1", 9080), tmp_path) is None
    assert owner_of(("127.0.0.1", 5), ("127.0.0.1", 9080), tmp_path / "missing") is None


def test_a_token_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    token = kept_token(folder)
    assert len(token) == 43
    assert kept_token(folder) == token
    assert (folder / "web-token").stat().st_mode & 0o777 == 0o600
    assert kept_token(None) not in (token, kept_token(None))


def test_a_token_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    kept_token(tmp_path)
    (tmp_path / "web-token").chmod(0o644)
    with pytest.raises(WorkerError, match="others may read or write the page's token; delete the file"):
        kept_token(tmp_path)


@pytest.mark.parametrize("text", ["", "short", "x" * 30 + " ; path=/"])
def test_a_token_that_is_none_is_not_used(tmp_path: Path, text: str) -> None:
    (tmp_path / "web-token").write_text(text)
    (tmp_path / "web-token").chmod(0o600)
    with pytest.raises(WorkerError, match="this is no token"):
        kept_token(tmp_path)


def test_a_disk_that_is_full_leaves_no_half_token(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(WorkerError, match="cannot be kept there"):
            kept_token(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
    assert kept_token(tmp_path) == kept_token(tmp_path)
