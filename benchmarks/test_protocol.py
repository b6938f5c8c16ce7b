"""DCP's protocol against npm's dcp-client: both are clients of one Target of npm's, in turn, on a connection each."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

import numpy as np
import pytest

from dcp_protocol import Connection, connect
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.transport import paths
from dcp_protocol.transport.options import ConnectOptions
from npm_peers import NpmClient, npm_client, npm_target

pytestmark = pytest.mark.full

_OF_VERSIONS = pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
_LARGE = 100_000_000
_DIALECTS = {"4.4.29": paths.V4, "5.6.1": paths.V5}


@_OF_VERSIONS
@pytest.mark.parametrize(("at_once", "count"), [(1, 20), (100, 1000)], ids=["1 open", "100 open"])
def test_requests(benchmark, measure, version: str, at_once: int, count: int) -> None:
    async def ours(connection: Connection) -> float:
        left = iter(range(count))

        async def ask() -> None:
            for _ in left:
                await connection.request("echo", {"x": 1})

        begun = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(at_once)))
        return time.perf_counter() - begun

    async def npms(peer: NpmClient) -> float:
        return float(await peer.do("requests", operation="echo", data={"x": 1}, count=count, atOnce=at_once))

    pairs = benchmark.pedantic(lambda: asyncio.run(_in_turn(version, ours, npms, passes=9)), rounds=1, iterations=1)
    name = f"requests to npm's Target {version}, {at_once} open"
    own, theirs = (statistics.median(count / pair[side] for pair in pairs) for side in (0, 1))
    measure(name, own, "1/s", f"npm's client: {theirs:,.0f}")
    _ratio(measure, name, pairs, ">= 1")


@_OF_VERSIONS
def test_a_large_message(benchmark, measure, version: str) -> None:
    """Serialized, signed, sent in fragments; the target verifies it and answers."""
    found: list[_Blocks] = []

    async def ours(connection: Connection) -> float:
        data = "x" * _LARGE
        async with _Blocks() as blocks:
            begun = time.perf_counter()
            await connection.request("nothing", data)
            seconds = time.perf_counter() - begun
        found.append(blocks)
        return seconds

    async def npms(peer: NpmClient) -> float:
        return float(await peer.do("run", code=_SEND_LARGE, data=_LARGE))

    pairs = benchmark.pedantic(lambda: asyncio.run(_in_turn(version, ours, npms, passes=5)), rounds=1, iterations=1)
    name = f"a request of 100 MB to npm's Target {version}"
    own, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    measure(name, own, "s", f"npm's client: {theirs:.2f}")
    idle = statistics.median(blocks.idle_milliseconds for blocks in found[1:])
    block = statistics.median(blocks.milliseconds for blocks in found[1:])
    measure(f"{name}, longest block of the event loop", block, "ms", f"<= 50; of a program that is idle: {idle:.1f}")
    _ratio(measure, name, pairs, ">= 1")


_SEND_LARGE = """
const text = "x".repeat(data);
const begun = performance.now();
const answer = await connection.request("nothing", text);
if (!answer.success) throw answer.payload;
return (performance.now() - begun) / 1000;
"""


async def _in_turn(
    version: str,
    ours: Callable[[Connection], Awaitable[float]],
    npms: Callable[[NpmClient], Awaitable[float]],
    passes: int,
) -> list[tuple[float, float]]:
    """Seconds of each pass, ours and npm's, after one of each that is not counted."""
    async with npm_target(version, quiet=True) as target, npm_client(version, target.location, quiet=True) as peer:
        await peer.connect()
        options = ConnectOptions(dialect=_DIALECTS[version])
        async with await connect(target.location, PrivateKey.generate(), transport=options) as connection:
            pairs = [(await ours(connection), await npms(peer)) for _ in range(passes + 1)]
    return pairs[1:]


def _ratio(measure, name: str, pairs: Sequence[tuple[float, float]], target: str) -> None:
    ratios = [theirs / own for own, theirs in pairs]
    low, median, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    peer = "npm's dcp-client"
    measure(f"{name}, speed / {peer}", float(median), "x", target, spread=(float(low), float(high)), peer=peer)


class _Blocks:
    """How long nothing could run on the event loop, at most; and beside it, in a process that does nothing else.

    The latter is what the machine adds, of which a busy one adds much.
    """

    async def __aenter__(self) -> Self:
        self._longest = 0.0
        self._idle = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _IDLE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        await self._idle.stdout.readline()
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def _watch(self) -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(_TICK)
            self._longest = max(self._longest, time.perf_counter() - begun - _TICK)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(2 * _TICK)
        self._watcher.cancel()
        told, _ = await self._idle.communicate(b"")
        self.milliseconds, self.idle_milliseconds = 1e3 * self._longest, 1e3 * float(told)


_TICK = 0.001
_IDLE = f"""
import asyncio, sys, time
async def main():
    longest, ended = 0.0, asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(flush=True)
    while not ended.done():
        begun = time.perf_counter()
        await asyncio.sleep({_TICK})
        longest = max(longest, time.perf_counter() - begun - {_TICK})
    print(longest)
asyncio.run(main())
"""
