"""Whom the page's program lets in: requests as browsers and others send them, and pages that mean harm."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from served_page import ServedPage, served_page

from browser import Browser
from dcp_worker.control.methods import Report
from scheduler_stand_in.workers import OWN_COMMAND

pytestmark = pytest.mark.any_engine

SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
POLLING = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    """A page that wants its token of everybody."""
    with served_page(tmp_path_factory.mktemp("guarded"), "--always-token", "--name", "box.example") as page:
        yield page


def ask(
    page: ServedPage, path: str = "/", method: str = "GET", body: str | None = None, **headers: str
) -> tuple[int, str, Mapping[str, str]]:
    """Status, text and headers. ``headers``: with _ for -."""
    with closing(http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}


def websocket(page: ServedPage, **headers: str) -> int:
    """The status of the answer; 101 for one that is taken."""

    async def run() -> int:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.ws_connect(f"{page.url.rstrip('/')}{SOCKET}", headers=headers):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

    return asyncio.run(run())


def test_the_owner_needs_no_token(page: ServedPage) -> None:
    status, text, _ = ask(page)
    assert status == 200
    assert "dcp-worker" in text
    assert websocket(page, Origin=page.url.rstrip("/")) == 101


def test_every_answer_forbids_frames_and_foreign_sources(page: ServedPage, guarded: ServedPage) -> None:
    for answer in (ask(page), ask(page, "/missing"), ask(page, Host="evil.example"), ask(guarded)):
        headers = answer[2]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_dns_rebinding_is_refused(page: ServedPage) -> None:
    for path in ("/", POLLING, "/_nicegui_ws/", "/token", "/favicon.ico"):
        status, text, _ = ask(page, path, Host=f"evil.example:{page.port}")
        assert (status, "not a name of this page" in text) == (403, True), path
    origin = f"http://evil.example:{page.port}"
    assert websocket(page, Host=f"evil.example:{page.port}", Origin=origin) == 403


def test_requests_of_other_sites_are_refused(page: ServedPage) -> None:
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{page.port + 1}"):
        assert ask(page, Origin=origin)[0] == 403
        assert ask(page, POLLING, "POST", "40", Origin=origin)[0] == 403
        assert websocket(page, Origin=origin) == 403
    assert websocket(page) == 403
    assert ask(page, POLLING, "POST", "40")[0] == 403
    assert ask(page, POLLING, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403


def test_others_are_asked_for_the_token(guarded: ServedPage) -> None:
    for path in ("/", "/missing", POLLING, "/favicon.ico", "/token"):
        status, text, headers = ask(guarded, path)
        assert status == 401
        assert "set-cookie" not in headers
        assert "Mandelbrot" not in text
        assert guarded.token not in text
    assert websocket(guarded, Origin=guarded.url.rstrip("/")) == 403  # all that the server can say


def with_token(page: ServedPage, token: str) -> tuple[int, str, Mapping[str, str]]:
    return ask(
        page, "/token", "POST", urlencode({"token": token}),
        Origin=page.url.rstrip("/"), Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip


def test_the_token_opens_the_page(guarded: ServedPage) -> None:
    status, _, headers = with_token(guarded, guarded.token)
    assert (status, headers["location"]) == (303, "/")
    cookie, *attributes = headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert ask(guarded, Cookie=cookie)[0] == 200
    assert ask(guarded, Cookie=cookie, Host="box.example")[0] == 200
    assert websocket(guarded, Cookie=cookie, Origin=guarded.url.rstrip("/")) == 101
    assert ask(guarded, Cookie=cookie, Host="evil.example")[0] == 403
    assert websocket(guarded, Cookie=cookie, Origin="http://evil.example") == 403


def test_a_link_with_the_token_opens_it_and_leaves_it_out_of_the_address(guarded: ServedPage) -> None:
    status, _, headers = ask(guarded, f"/?token={guarded.token}")
    assert (status, headers["location"]) == (303, "/")
    assert headers["set-cookie"].startswith("dcp-worker-token=")


@pytest.mark.parametrize("token", ["", "wrong", "x" * 100_000, "a\r\nset-cookie: b=c", "ü", "\0"])
def test_a_wrong_token_opens_nothing(guarded: ServedPage, token: str) -> None:
    status, text, headers = with_token(guarded, token)
    assert status == 401
    assert "set-cookie" not in headers
    assert "<form" in text


@pytest.mark.parametrize("cookie", ["dcp-worker-token=", "dcp-worker-token=wrong", "a=b;;=", "x" * 5000, '"', "a b=c"])
def test_cookies_of_others_open_nothing(guarded: ServedPage, cookie: str) -> None:
    assert ask(guarded, Cookie=cookie)[0] == 401


def test_the_token_is_typed_in_a_browser(guarded: ServedPage, browser: Browser) -> None:
    browser.open(guarded.url, width=360)
    browser.until_text("Its token opens it.")
    assert browser.run("return document.activeElement.id") == "token"
    browser.driver.switch_to.active_element.send_keys("wrong\n")
    browser.until_text("This token is not the right one.")
    browser.driver.switch_to.active_element.send_keys(f"{guarded.token}\n")
    browser.until_text("Mandelbrot")
    assert guarded.token not in browser.driver.current_url
    assert guarded.token not in str(browser.run("return document.cookie"))
    browser.driver.delete_all_cookies()


def test_a_name_that_is_pointed_here_shows_nothing(page: ServedPage, browser: Browser) -> None:
    browser.open(f"http://evil.example:{page.port}/")
    browser.until_text("this is not a name of this page")


EVIL = """<!doctype html><title>evil</title><p id=done></p><script>
const page = "PAGE";
async function all() {
  const found = [];
  for (const mode of ["cors", "no-cors", "same-origin"]) {
    await fetch(page, { mode, credentials: "include" }).then((r) => found.push(`${mode} ${r.type}`), () => {});
    await fetch(page + "_nicegui_ws/socket.io/?EIO=4&transport=polling", { method: "POST", body: "40", mode }).then(
      (r) => r.type === "opaque" || found.push(`${mode} posts`), () => {});
  }
  await new Promise((resolve) => {
    const socket = new WebSocket(page.replace("http", "ws") + "_nicegui_ws/socket.io/?EIO=4&transport=websocket");
    socket.onopen = () => { found.push("websocket"); resolve(); };
    socket.onerror = resolve;
  });
  await new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.onload = () => {
      try { if (frame.contentDocument.body.innerText) found.push("frame"); } catch {}
      resolve();
    };
    frame.src = page;
    document.body.append(frame);
  });
  await new Promise((resolve) => {
    const script = document.createElement("script");
    script.onload = () => { found.push("script"); resolve(); };
    script.onerror = resolve;
    script.src = page + "favicon.ico";
    document.body.append(script);
  });
  document.getElementById("done").textContent = "done: " + found.filter((one) => !one.includes("opaque")).join(", ");
}
all();
</script>"""


class _Evil(BaseHTTPRequestHandler):
    page = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(EVIL.replace("PAGE", self.page).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1"])
def test_a_page_of_another_site_gets_nothing_and_orders_nothing(page: ServedPage, browser: Browser, host: str) -> None:
    """A browser sends it the owner's rights: it is a program of the owner."""
    handler = type("Evil", (_Evil,), {"page": page.url})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            browser.open(f"http://{host}:{server.server_port}/")
            browser.until_text("done:")
            assert browser.find("#done").text == "done:"
        finally:
            server.shutdown()
            thread.join()
    assert [one for one in page.worker.orders if not isinstance(one, Report)] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can be another user")
def test_other_users_of_this_machine_are_asked_for_the_token(page: ServedPage) -> None:
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.setresuid(65534, 65534, 65534)
        with socket.create_connection(("127.0.0.1", page.port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            os.write(writer, connection.recv(1000))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        assert answer.read().startswith(b"HTTP/1.1 401 ")
    os.waitpid(child, 0)


def test_the_token_is_shown_to_its_owner(guarded: ServedPage) -> None:
    environment = {**os.environ, "HOME": str(guarded.home), "XDG_STATE_HOME": str(guarded.home)}
    done = subprocess.run(
        [OWN_COMMAND, "web", "--show-token"], capture_output=True, text=True, check=True,
        env={**environment, "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == guarded.token


def test_a_port_that_is_taken_is_named(page: ServedPage, tmp_path: Path) -> None:
    done = subprocess.run(
        [OWN_COMMAND, "web", "--port", str(page.port), "--socket", tmp_path / "control"],
        env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"the page cannot be at port {page.port} of 127.0.0.1: Address already in use" in done.stderr


def test_it_keeps_nothing_in_the_folder_where_it_runs(page: ServedPage) -> None:
    assert not list(page.home.rglob(".nicegui"))


def test_headers_without_an_end_are_not_kept(page: ServedPage) -> None:
    """Nobody needs a token to send them."""
    with socket.create_connection(("127.0.0.1", page.port)) as connection:
        connection.settimeout(30)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        with pytest.raises(OSError, match=r"reset|pipe"):
            for number in range(1000):
                connection.sendall(b"x-%d: " % number + b"x" * 10_000 + b"\r\n")


def test_without_its_packages_it_says_which_are_missing(tmp_path: Path) -> None:
    script = "import sys; sys.modules['nicegui'] = None; from dcp_worker.commands.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "web", "--port", "0", "--socket", tmp_path / "control"],
        env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1, "dcp-worker: the page needs more packages: pip install 'dcp-evaluator[web]'\n"
    )  # fmt: skip
