"""Where services are, how they are reached, and how often that is tried."""

from __future__ import annotations

import asyncio

import pytest

from dcp_protocol.errors import ProtocolError
from dcp_protocol.proxies import proxy_for
from dcp_protocol.transport import paths
from dcp_protocol.transport.backoff import Backoff, shared_backoff
from dcp_protocol.transport.client import connect
from dcp_protocol.transport.failures import TransportError
from dcp_protocol.transport.paths import V4, V5

pytestmark = pytest.mark.any_engine

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("location", "dialect", "url"),
    [
        ("https://a.example", V4, "https://a.example/?EIO=4&transport=polling"),
        ("https://a.example/service", V4, "https://a.example/service/?EIO=4&transport=polling"),
        ("http://a.example:81/s/", V5, "http://a.example:81/s/dcp5/socketio/?EIO=4&transport=polling"),
        ("http://[::1]:81/s/?x#y", V5, "http://[::1]:81/s/dcp5/socketio/?EIO=4&transport=polling"),
    ],
)
def test_the_url_of_a_service(location: str, dialect: str, url: str) -> None:
    paths.check(location)
    assert paths.socket_url(location, dialect, "polling") == url


def test_a_session_is_named_in_the_url() -> None:
    url = paths.socket_url("http://a.example/", V4, "polling", "a&b#c d")
    assert url == "http://a.example/?EIO=4&transport=polling&sid=a%26b%23c%20d"


@pytest.mark.parametrize(
    "location",
    [
        "",
        "a.example",
        "ftp://a.example/",
        "http://",
        "http://a:0/",
        "http://a:x/",
        "http://[::1/",
        "http://a/\x1b",
        "http://a..b/",
    ],
)
def test_no_location_of_a_service(location: str) -> None:
    with pytest.raises(TransportError, match="http or https URL") as raised:
        paths.check(location)
    assert raised.value.permanent


@pytest.mark.parametrize("dialect", [V4, V5])
@pytest.mark.parametrize(
    ("target", "moved"),
    [
        ("http://b.example/new/", "http://b.example/new/"),
        ("https://b.example/new/?EIO=4&transport=polling", "https://b.example/new/"),
        ("//b.example/new/", "http://b.example/new/"),
        ("/new/", "http://a.example/new/"),
        ("https://a.example/old/", "https://a.example/old/"),
        ("http://b.example", "http://b.example/"),
    ],
)
def test_where_a_redirect_leads(dialect: str, target: str, moved: str) -> None:
    assert paths.redirected("http://a.example/old/", dialect, target) == moved


def test_redirects_of_web_servers_name_the_path_below_the_location() -> None:
    assert (
        paths.redirected("http://a.example/old/", V5, "https://b.example/new/dcp5/socketio/")
        == "https://b.example/new/"
    )


@pytest.mark.parametrize(
    ("location", "target", "code"),
    [
        ("http://a.example/old/", "http://a.example/old/dcp5/socketio/", "ELOOP"),
        ("http://a.example", "/", "ELOOP"),
        ("https://a.example/", "http://b.example/", "EPERM"),
        ("HTTPS://a.example/", "http://a.example/", "EPERM"),
        ("http://a.example/", "file:///etc/passwd", "EINVAL"),
        ("http://a.example/", "http://[::1/", "EINVAL"),
        ("http://a.example/", "http://b.example/\x1b[2J", "EINVAL"),
    ],
)
def test_redirects_that_are_not_followed(location: str, target: str, code: str) -> None:
    with pytest.raises(TransportError) as raised:
        paths.redirected(location, V5, target)
    assert raised.value.code == code
    assert raised.value.permanent


def test_the_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("http://a.example/") is None
    monkeypatch.setenv("http_proxy", "http://user:word@proxy.example:3128")
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3129")
    monkeypatch.setenv("no_proxy", "localhost,.inside.example,b.example:81")
    assert proxy_for("http://a.example/") == "http://user:word@proxy.example:3128"
    assert proxy_for("https://a.example/") == "http://proxy.example:3129"
    assert proxy_for("http://localhost:8080/") is None
    assert proxy_for("https://deep.inside.example/") is None
    assert proxy_for("http://b.example:81/") is None
    assert proxy_for("http://b.example:82/") is not None


@pytest.mark.parametrize("value", ["socks5://proxy.example", "http://", "http://proxy:x", "http://[::1"])
def test_a_variable_that_names_no_proxy(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", value)
    with pytest.raises(ProtocolError, match="http_proxy names no proxy") as named:
        proxy_for("http://a.example/")
    assert named.value.code == "EPROXY"
    with pytest.raises(TransportError, match="http_proxy names no proxy") as raised:
        asyncio.run(connect("http://a.example/"))
    assert raised.value.permanent


def test_the_times_between_tries() -> None:
    backoff = Backoff(10)
    assert [backoff.next() for _ in range(7)] == [0, 0.5, 1.5, 3.5, 7.5, 10, 10]
    for _ in range(5000):
        backoff.next()
    assert backoff.next() == 10
    backoff.reset()
    assert backoff.next() == 0
    assert shared_backoff("http://a.example/") is shared_backoff("http://a.example/")
    assert shared_backoff("http://a.example/") is not shared_backoff("http://b.example/")
