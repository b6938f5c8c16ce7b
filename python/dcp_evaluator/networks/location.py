"""Where a network's services are: what its scheduler says of itself, ``etc/dcp-config.kvin``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from dcp_protocol import kvin
from dcp_protocol.errors import ProtocolError
from dcp_protocol.proxies import proxy_for
from dcp_protocol.transport.http_failures import failure
from dcp_protocol.transport.tls import system_context

from ..errors import NetworkError
from .deployment import Service

_PATH = "/etc/dcp-config.kvin?ver=2.1.0"
_SECONDS = 30.0
_LONGEST = 16 << 20
_IS_IT = "is that the location of a DCP scheduler?"

Services = Mapping[Service, str]
"""The location of each."""


def find_services(location: str) -> Services:
    """Asks the scheduler at ``location``. Raises NetworkError, ValueError for what is no location."""
    parts = urlsplit(location) if isinstance(location, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the location of a scheduler is a URL, as http://localhost:9800/, not {location!r:.200}")
    with ThreadPoolExecutor(1, "dcp-location") as thread:  # the caller may have an event loop of its own
        return thread.submit(asyncio.run, _ask(location)).result()


async def _ask(location: str) -> Services:
    url = f"{location.rstrip('/')}{_PATH}"
    try:
        text = await _fetch(url, location)
    except TimeoutError:
        raise NetworkError(f"the scheduler at {location} does not answer within {_SECONDS:g} s") from None
    except aiohttp.ClientSSLError as error:
        raise NetworkError(str(failure(error, location))) from None
    except aiohttp.ClientConnectorError as error:
        reason = os.strerror(error.os_error.errno) if error.os_error.errno else str(error.os_error)
        remedy = "start one with dcp-scheduler, or give the location of another"
        raise NetworkError(f"there is no scheduler at {location} ({reason}); {remedy}") from None
    except (aiohttp.ClientError, OSError, ValueError, ProtocolError) as error:
        raise NetworkError(f"the scheduler at {location} cannot be asked: {error}; {_IS_IT}") from None
    return read_services(text, location)


async def _fetch(url: str, location: str) -> bytes:
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    connector = aiohttp.TCPConnector(ssl=await system_context() if url.startswith("https:") else True)
    async with (
        aiohttp.ClientSession(timeout=timeout, connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, proxy=proxy_for(url)) as response,
    ):
        if response.status != 200:
            raise NetworkError(f"{location} answers with status {response.status}; {_IS_IT}")
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _LONGEST:
                raise NetworkError(f"{location} answers with more than {_LONGEST >> 20} MiB; {_IS_IT}")
        return bytes(body)


def read_services(text: bytes, location: str) -> Services:
    """Raises NetworkError."""
    try:
        told = kvin.deserialize(text, depth=64, memory=64 << 20)
    except kvin.KvinError:
        raise NetworkError(f"what {location} answers is no configuration of DCP; {_IS_IT}") from None
    return {service: _location(told, service, location) for service in Service}


def _location(told: Any, service: Service, location: str) -> str:
    for name in ("scheduler", "services", service.value, "location"):
        told = told.get(name) if isinstance(told, Mapping) else None
    match told:
        case kvin.URL(href=str() as href) | kvin.Constructed(arguments=(str() as href, *_)) | {"href": str() as href}:
            if urlsplit(href).scheme in ("http", "https"):
                return href
    raise NetworkError(f"{location} does not say where its service {service} is; {_IS_IT}")
