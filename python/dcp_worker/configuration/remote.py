"""What a scheduler says of itself and of its network: ``GET /etc/dcp-config.kvin``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcp_protocol.errors import ProtocolError
from dcp_protocol.kvin import deserialize

from ..errors import ConfigurationError
from .values import Tree, plain

if TYPE_CHECKING:
    import aiohttp

PROTECTED: Final = ("system", "bundle", "worker", "evaluator", "node")
"""What no scheduler may set."""

PATH: Final = "/etc/dcp-config.kvin"
VERSIONS: Final = {4: "2.0.0", 5: "2.1.0"}
"""Of the format, that dcp-client 4 and 5 ask for."""

_SECONDS: Final = 60.0
_LONGEST: Final = 16 << 20
_MEMORY: Final = 64 << 20
_DEPTH: Final = 64


async def fetch(location: str, dialect: int = 4) -> bytes:
    """The text that is at ``location``. Raises ConfigurationError: the scheduler cannot be reached, or has none."""
    import aiohttp  # takes a tenth of a second, in which an evaluator can begin to start
    import yarl

    from dcp_protocol.proxies import proxy_for
    from dcp_protocol.transport.http_failures import failure

    url = yarl.URL(location).update_query(ver=VERSIONS[dialect])
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, proxy=proxy_for(str(url))) as response,
        ):
            if response.status != 200:
                raise ConfigurationError(
                    f"{location}: the scheduler answers with status {response.status} where its configuration "
                    "should be: "
                    "is scheduler.location that of a DCP scheduler?"
                )
            return await _bounded(response, location)
    except TimeoutError:
        raise ConfigurationError(f"{location}: the scheduler does not answer within {_SECONDS:g} s") from None
    except aiohttp.ClientSSLError as error:
        raise ConfigurationError(str(failure(error, location))) from None
    except (aiohttp.ClientError, OSError, ValueError, ProtocolError) as error:
        raise ConfigurationError(f"{location}: the scheduler's configuration cannot be fetched: {error}") from None


async def _bounded(response: aiohttp.ClientResponse, location: str) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LONGEST:
            raise ConfigurationError(f"{location}: the scheduler's configuration has more than {_LONGEST} bytes")
    return bytes(body)


def parse(text: bytes | str, location: str) -> Tree:
    """Its value, without what no scheduler may set. Raises ConfigurationError."""
    try:
        value = plain(deserialize(text, depth=_DEPTH, memory=_MEMORY))
    except (ProtocolError, ValueError) as error:
        raise ConfigurationError(
            f"{location}: what is there is no scheduler's configuration ({error}): "
            "is scheduler.location that of a DCP scheduler?"
        ) from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{location}: the scheduler's configuration is no object")
    return {name: member for name, member in value.items() if name not in PROTECTED}
