"""Modules that work functions require, from the package manager."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dcp_protocol.errors import ProtocolError, RemoteError
from dcp_protocol.uris.resource import utf16_length

from .failures import Consequence, FetchFailedError
from .patient import PatientFetcher

PackageManager = Callable[[str, Any], Awaitable[Any]]
"""``request(operation, data)`` of a connection to the package manager, which may raise ProtocolError."""

_PURPOSE: Final = "fetchModules"
_TOO_BIG: Final = ("DCPC-1024", "EMODULETOOBIG")
_MISSING: Final = ("ENOENT", "ENOMODULE")


@dataclass(frozen=True, slots=True)
class ModuleLimits:
    """``files`` and ``bytes`` of one group, ``kept`` bytes in memory of all, ``at_once``: files fetched together."""

    files: int = 10_000
    bytes: int = 256 << 20
    kept: int = 64 << 20
    at_once: int = 8


@dataclass(frozen=True, slots=True)
class ModuleGroup:
    """The texts of packages' files. ``size``: their UTF-16 units, which DCP counts as input of the slices."""

    packages: Mapping[str, Mapping[str, str]]
    size: int


class ModuleFetcher:
    """Groups are asked for once, however many sandboxes want them at the same time, and kept for a while."""

    def __init__(self, request: PackageManager, fetcher: PatientFetcher, limits: ModuleLimits | None = None) -> None:
        """``fetcher``: without a list of origins, as the package manager says where to fetch."""
        self._request = request
        self._fetcher = fetcher
        self._limits = limits or ModuleLimits()
        self._kept: OrderedDict[tuple[str, ...], ModuleGroup] = OrderedDict()
        self._coming: dict[tuple[str, ...], asyncio.Task[ModuleGroup]] = {}

    async def fetch(self, names: Sequence[str]) -> ModuleGroup:
        """The packages of these names, as a work function asks for them. Raises FetchFailedError.

        Code ``ENOMODULE``: there is none of a name; ``EMODULETOOBIG``; both reject the job. ``EMODULEFECTCH``, as DCP
        spells it: something did not come, and the slice goes back.
        """
        key = tuple(names)
        if group := self._kept.get(key):
            self._kept.move_to_end(key)
            return group
        task = self._coming.get(key)
        if task is None:
            task = asyncio.ensure_future(self._fetch(key))
            self._coming[key] = task
            task.add_done_callback(lambda done: self._came(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Ends what is under way."""
        tasks = list(self._coming.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _came(self, key: tuple[str, ...], task: asyncio.Task[ModuleGroup]) -> None:
        del self._coming[key]
        if task.cancelled() or task.exception():
            return
        self._kept[key] = task.result()
        while sum(group.size for group in self._kept.values()) > self._limits.kept:
            self._kept.popitem(last=False)

    async def _fetch(self, names: tuple[str, ...]) -> ModuleGroup:
        places = _places(await self._ask(names), self._limits.files)
        gate = asyncio.Semaphore(self._limits.at_once)
        left = [self._limits.bytes]
        tasks = [asyncio.ensure_future(self._file(uri, gate, left)) for _, _, uri in places]
        try:
            texts = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        packages: dict[str, dict[str, str]] = {}
        for (package, file, _), text in zip(places, texts, strict=True):
            packages.setdefault(package, {})[file] = text
        return ModuleGroup(packages, sum(map(utf16_length, texts)))

    async def _ask(self, names: tuple[str, ...]) -> Any:
        try:
            answer = await self._request("fetchModuleURL", {"modules": list(names)})
        except RemoteError as error:
            raise _refused(error.code, str(error)) from error
        except ProtocolError as error:
            raise _not_fetched(f"the package manager does not answer: {error}") from error
        if isinstance(answer, dict) and isinstance(answer.get("code"), str):
            raise _refused(answer["code"], "it says so in its answer")
        return answer

    async def _file(self, uri: str, gate: asyncio.Semaphore, left: list[int]) -> str:
        async with gate:
            try:
                text = await self._fetcher.fetch_text(uri, _PURPOSE)
            except ProtocolError as error:
                raise _not_fetched(str(error)) from error
        left[0] -= len(text)
        if left[0] < 0:
            raise _refused("EMODULETOOBIG", f"it has more than {self._limits.bytes} bytes")
        return text


def _places(answer: Any, most: int) -> list[tuple[str, str, str]]:
    """Package, file and URI of each file. Raises FetchFailedError for what is no list of them."""
    places = []
    for package, files in answer.items() if isinstance(answer, dict) else [("", None)]:
        if not isinstance(files, dict):
            raise _not_fetched("the package manager's answer is no list of files")
        for file, uri in files.items():
            if not isinstance(uri, str) or not uri.startswith(("http://", "https://")):
                raise _not_fetched("the package manager names a file without http or https URL")
            places.append((package, file, uri))
    if len(places) > most:
        raise _refused("EMODULETOOBIG", f"it has more than {most} files")
    return places


def _refused(code: str, message: str) -> FetchFailedError:
    if code in _TOO_BIG:
        return FetchFailedError("EMODULETOOBIG", f"a module is too large: {message}", Consequence.REJECT_JOB)
    if code in _MISSING:
        return FetchFailedError("ENOMODULE", f"there is no such module: {message}", Consequence.REJECT_JOB)
    return _not_fetched(f"the package manager refuses: {message}")


def _not_fetched(message: str) -> FetchFailedError:
    text = f"modules cannot be fetched: {message}"
    return FetchFailedError("EMODULEFECTCH", text, Consequence.RETURN_SLICE, is_transient=True)
