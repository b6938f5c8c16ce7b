"""Modules: asked for once, whole groups or failures that say what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from web_server import WebServer, patient, run

from dcp_protocol.errors import ConnectionEndedError, ProtocolError, RemoteError
from dcp_protocol.uris import Fetcher
from dcp_worker.fetching.content_cache import ContentCache
from dcp_worker.fetching.failures import Consequence, FetchFailedError
from dcp_worker.fetching.module_fetcher import ModuleFetcher, ModuleLimits

pytestmark = pytest.mark.any_engine
BODIES = {
    "/m/a.js": ("module.a", "application/javascript"),
    "/m/b.json": ('{"b": "\U0001f600"}', "application/json"),
}


class Manager:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Any]] = []

    async def __call__(self, operation: str, data: Any) -> Any:
        self.asked.append((operation, data))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def modules(
    scenario: Callable[[ModuleFetcher, WebServer, Manager], Awaitable[None]],
    answer: Any = None,
    limits: ModuleLimits | None = None,
    cache: ContentCache | None = None,
) -> None:
    async def play(server: WebServer) -> None:
        files = {name: f"{server.url}/m/{name}" for name in ("a.js", "b.json")}
        manager = Manager({"p": files} if answer is None else answer)
        async with Fetcher(None) as fetcher:
            fetching = ModuleFetcher(manager, patient(fetcher, cache=cache), limits)
            await scenario(fetching, server, manager)
            await fetching.close()

    run(play, BODIES)


def test_a_group_is_fetched_once_however_many_want_it() -> None:
    async def scenario(fetching: ModuleFetcher, server: WebServer, manager: Manager) -> None:
        groups = await asyncio.gather(*(fetching.fetch(["p"]) for _ in range(5)))
        groups.append(await fetching.fetch(["p"]))
        assert manager.asked == [("fetchModuleURL", {"modules": ["p"]})]
        assert server.asked["/m/a.js"] == 1
        assert {id(group) for group in groups} == {id(groups[0])}
        assert groups[0].packages == {"p": {"a.js": "module.a", "b.json": '{"b": "\U0001f600"}'}}
        assert groups[0].size == len("module.a") + len('{"b": "xx"}')

    modules(scenario)


def test_large_groups_are_not_kept_for_long() -> None:
    async def scenario(fetching: ModuleFetcher, server: WebServer, manager: Manager) -> None:
        for _ in range(2):
            await fetching.fetch(["p"])
        assert len(manager.asked) == 2

    modules(scenario, limits=ModuleLimits(kept=10))


def test_files_are_kept_on_disk(tmp_path: Path) -> None:
    async def scenario(fetching: ModuleFetcher, server: WebServer, manager: Manager) -> None:
        await fetching.fetch(["p"])
        await fetching.fetch(["p"])
        assert (len(manager.asked), server.asked["/m/a.js"]) == (2, 1)

    modules(scenario, limits=ModuleLimits(kept=0), cache=ContentCache(tmp_path / "c"))


@pytest.mark.parametrize(
    ("answer", "code", "consequence"),
    [
        (RemoteError("ENOENT", "no", {}), "ENOMODULE", Consequence.REJECT_JOB),
        ({"code": "ENOENT"}, "ENOMODULE", Consequence.REJECT_JOB),
        (RemoteError("DCPC-1024", "no", {}), "EMODULETOOBIG", Consequence.REJECT_JOB),
        (RemoteError("", "no", {}), "EMODULEFECTCH", Consequence.RETURN_SLICE),
        (ConnectionEndedError("ECONNRESET", "gone"), "EMODULEFECTCH", Consequence.RETURN_SLICE),
        (ProtocolError("EKVIN", "strange"), "EMODULEFECTCH", Consequence.RETURN_SLICE),
        ([], "EMODULEFECTCH", Consequence.RETURN_SLICE),
        ({"p": 5}, "EMODULEFECTCH", Consequence.RETURN_SLICE),
        ({"p": {"a": 5}}, "EMODULEFECTCH", Consequence.RETURN_SLICE),
        ({"p": {"a": "file:///etc/passwd"}}, "EMODULEFECTCH", Consequence.RETURN_SLICE),
        ({"p": {str(number): "http://a/" for number in range(11)}}, "EMODULETOOBIG", Consequence.REJECT_JOB),
    ],
)
def test_failures(answer: Any, code: str, consequence: Consequence) -> None:
    async def scenario(fetching: ModuleFetcher, server: WebServer, manager: Manager) -> None:
        for _ in range(2):
            with pytest.raises(FetchFailedError) as caught:
                await fetching.fetch(["p"])
            assert (caught.value.code, caught.value.consequence) == (code, consequence)
        assert len(manager.asked) == 2
        assert not server.asked

    modules(scenario, answer, ModuleLimits(files=10))


def test_a_group_of_too_many_bytes() -> None:
    async def scenario(fetching: ModuleFetcher, server: WebServer, manager: Manager) -> None:
        with pytest.raises(FetchFailedError) as caught:
            await fetching.fetch(["p"])
        assert caught.value.code == "EMODULETOOBIG"

    modules(scenario, limits=ModuleLimits(bytes=10))


def test_a_file_that_does_not_come() -> None:
    async def scenario(fetching: ModuleFetcher, server: WebServer, manager: Manager) -> None:
        del server.bodies["/m/a.js"]
        with pytest.raises(FetchFailedError) as caught:
            await fetching.fetch(["p"])
        assert (caught.value.code, caught.value.is_transient) == ("EMODULEFECTCH", True)

    modules(scenario)


def test_who_gives_up_takes_it_from_nobody() -> None:
    async def scenario(fetching: ModuleFetcher, server: WebServer, manager: Manager) -> None:
        server.hold = asyncio.Event()
        first = asyncio.create_task(fetching.fetch(["p"]))
        second = asyncio.create_task(fetching.fetch(["p"]))
        while not server.asked:
            await asyncio.sleep(0.001)
        first.cancel()
        server.hold.set()
        assert (await second).packages["p"]["a.js"] == "module.a"
        assert first.cancelled()

    modules(scenario)
