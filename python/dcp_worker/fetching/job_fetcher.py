"""What a job needs before its slices can run, and what each slice needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dcp_protocol.errors import ProtocolError
from dcp_protocol.ranges import RangeError, rehydrate
from dcp_protocol.uris import PURPOSES, AllowedOrigins, UndecodableError, decode_data_uri
from dcp_protocol.uris.resource import utf16_length

from ..dialects.javascript_json import stringify
from ..tasks.job import Job
from ..tasks.slices import Slice
from .failures import Consequence, FetchFailedError, failure
from .patient import PatientFetcher

_SMALL: Final = 1 << 16  # characters of a data: URI that is decoded at once
_MOST_ARGUMENTS: Final = 64  # that are fetched at the same time


@dataclass(frozen=True, slots=True)
class FetchedJob:
    """``size`` is what DCP counts as input of each slice: code and arguments, not the input set."""

    work_function: str
    arguments: Sequence[Any]
    input_set: Sequence[Any] | None
    size: int


@dataclass(frozen=True, slots=True)
class Datum:
    value: Any
    size: int


class JobFetcher:
    """Fetches from origins that are allowed, for each job those of its compute group too."""

    def __init__(self, fetcher: PatientFetcher) -> None:
        self._fetcher = fetcher

    async def fetch_job(self, job: Job) -> FetchedJob:
        """Code, arguments and input set, at the same time. Raises FetchFailedError."""
        parts: list[Coroutine[Any, Any, Any]] = [self._code(job), self._input_set(job)]
        gate = asyncio.Semaphore(_MOST_ARGUMENTS)
        parts += [self._argument(job, uri, index, gate) for index, uri in sorted(job.arguments.items())]
        run = _one_by_one if _is_here(job) else _together
        (code, code_size), input_set, *arguments = await run(parts)
        return FetchedJob(code, [value for value, _ in arguments], input_set, code_size + sum(n for _, n in arguments))

    async def fetch_datum(self, of: Slice, job: Job, fetched: FetchedJob) -> Datum:
        """The slice's datum, or the element of the job's input set that it is. Raises FetchFailedError.

        A small ``data:`` URI, and an element, are there without waiting.
        """
        if not of.datum:
            return _element(fetched.input_set, of.key.number)
        what = f"the datum of slice {of.key.number}"
        if of.datum.startswith("data:") and len(of.datum) < _SMALL:
            resource = _now(of.datum, what)
        else:
            resource = await _of_slice(self._fetcher.fetch(of.datum, "fetchData", job.group or None), what)
        return Datum(resource.value, resource.size)

    async def _code(self, job: Job) -> tuple[str, int]:
        what, purpose, group = "the work function", "fetchWorkFunctions", job.group or None
        if not job.code.startswith("data:"):
            text = await _of_job(self._fetcher.fetch_text(job.code, purpose, group), what)
            return text, utf16_length(text)
        resource = await _of_job(self._fetcher.fetch(job.code, purpose, group), what)
        code = resource.value.decode("utf-8", "replace") if isinstance(resource.value, bytes) else resource.value
        if not isinstance(code, str):
            raise FetchFailedError("EFETCH", f"{what} is no text", Consequence.RETURN_JOB)
        return code, resource.size

    async def _argument(self, job: Job, uri: str, index: int, gate: asyncio.Semaphore) -> tuple[Any, int]:
        async with gate:
            fetching = self._fetcher.fetch(uri, "fetchArguments", job.group or None)
            resource = await _of_job(fetching, f"argument {index}")
        return resource.value, resource.size

    async def _input_set(self, job: Job) -> Sequence[Any] | None:
        described = job.input_set
        if described is None and job.input_set_location:
            fetching = self._fetcher.fetch(job.input_set_location, "fetchData", job.group or None)
            described = (await _of_job(fetching, "the input set")).value
        if described is None:
            return None
        try:
            return rehydrate(described)
        except RangeError as error:
            raise failure(error, "the input set", Consequence.RETURN_JOB) from error


def _is_here(job: Job) -> bool:
    """Whether all of it is in its message."""
    uris = (job.code, *job.arguments.values(), job.input_set_location or "data:")
    return all(uri.startswith("data:") for uri in uris)


def trust_groups(origins: AllowedOrigins, groups: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Allows what a task's ``origins`` say, to the jobs of the groups: origins of HTTP, for DCP's purposes, only."""
    for group, purposes in groups.items():
        for purpose, allowed in purposes.items():
            for origin in allowed:
                if group and purpose in PURPOSES and origin.startswith(("http://", "https://")):
                    _allow(origins, origin, purpose, group)


def _allow(origins: AllowedOrigins, origin: str, purpose: str, group: str) -> None:
    try:
        origins.add(origin, purpose, group)
    except ValueError:
        return  # a URL that is broken allows nothing


def _element(input_set: Sequence[Any] | None, number: int) -> Datum:
    """Slices are counted from 1."""
    if input_set is None or not 1 <= number <= len(input_set):
        message = f"slice {number} has no datum, and is no element of the job's input set"
        raise FetchFailedError("EFETCH", message, Consequence.RETURN_SLICE)
    try:
        value = input_set[number - 1]
        return Datum(value, len(stringify(value) or b""))
    except (RangeError, ValueError) as error:
        message = f"element {number} of the input set cannot be made: {error}"
        raise FetchFailedError("EFETCH", message, Consequence.RETURN_SLICE) from error


def _now(uri: str, what: str) -> Any:
    try:
        return decode_data_uri(uri)
    except UndecodableError as error:
        raise failure(error, what, Consequence.RETURN_SLICE) from error


async def _of_job(fetching: Awaitable[Any], what: str) -> Any:
    try:
        return await fetching
    except ProtocolError as error:
        raise failure(error, what, Consequence.RETURN_JOB) from error


async def _of_slice(fetching: Awaitable[Any], what: str) -> Any:
    try:
        return await fetching
    except ProtocolError as error:
        raise failure(error, what, Consequence.RETURN_SLICE) from error


async def _one_by_one(parts: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    try:
        return [await part for part in parts]
    finally:
        for part in parts:
            part.close()


async def _together(parts: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Of which the first failure ends the others."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
