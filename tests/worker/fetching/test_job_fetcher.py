"""What jobs need: fetched together, from allowed origins, tried again, and told of by its consequence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from web_server import Clock, WebServer, allowing, patient, run

from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.uris import AllowedOrigins, Fetcher
from dcp_worker.fetching.content_cache import ContentCache
from dcp_worker.fetching.failures import Consequence, FetchFailedError
from dcp_worker.fetching.job_fetcher import Datum, FetchedJob, JobFetcher, trust_groups
from dcp_worker.tasks.capabilities import Worktime
from dcp_worker.tasks.job import Job
from dcp_worker.tasks.slices import Authorization, Slice, SliceKey

pytestmark = pytest.mark.any_engine
KVIN_3 = "data:application/x-kvin,%7B%22_serializeVerId%22:%22v8%22,%22what%22:3%7D"


def job(**others: Any) -> Job:
    return Job(**{"identity": "j", "code": "data:,x=%3Ex", "worktime": Worktime("map-basic", "1.0.0")} | others)


def one_slice(datum: str = "", number: int = 1) -> Slice:
    return Slice(key=SliceKey("j", number), datum=datum, authorization=Authorization(JsonText(b"{}")))


def offline(scenario: Callable[[JobFetcher], Awaitable[None]]) -> None:
    async def play() -> None:
        async with Fetcher(AllowedOrigins()) as fetcher:
            await scenario(JobFetcher(patient(fetcher)))

    asyncio.run(play())


def test_what_is_in_the_message_needs_no_network() -> None:
    async def scenario(jobs: JobFetcher) -> None:
        tasks_before = len(asyncio.all_tasks())
        fetching = jobs.fetch_job(job(arguments={1: "data:,a", 0: KVIN_3}, input_set={"start": 1, "end": 9}))
        with pytest.raises(StopIteration) as done:
            fetching.send(None)
        fetched = done.value.value
        assert len(asyncio.all_tasks()) == tasks_before
        assert (fetched.work_function, fetched.arguments) == ("x=>x", [3, "a"])
        assert fetched.size == len("data:,x=%3Ex") + len("data:,a") + len(KVIN_3)
        assert await jobs.fetch_datum(one_slice(KVIN_3), job(), fetched) == Datum(3, len(KVIN_3))
        assert await jobs.fetch_datum(one_slice(number=4), job(), fetched) == Datum(4, 1)

    offline(scenario)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"code": "data:;base64,!"}, "EFETCH"),
        ({"code": "data:application/json,5"}, "EFETCH"),
        ({"arguments": {0: "data:application/json,{"}}, "EFETCH"),
        ({"input_set": "none"}, "EFETCH"),
        ({"input_set_location": "data:application/json,{}"}, "EFETCH"),
        ({"code": "http://elsewhere.invalid/"}, "EPERM_ORIGIN"),
        ({"arguments": {0: "http://elsewhere.invalid/"}}, "EPERM_ORIGIN"),
        ({"input_set_location": "file:///etc/passwd"}, "EPERM_ORIGIN"),
        ({"code": "ftp://elsewhere.invalid/"}, "EJOBFETCH"),
    ],
)
def test_a_job_that_cannot_be_had_goes_back(wrong: dict[str, Any], code: str) -> None:
    async def scenario(jobs: JobFetcher) -> None:
        with pytest.raises(FetchFailedError) as caught:
            await jobs.fetch_job(job(**wrong))
        assert (caught.value.code, caught.value.consequence) == (code, Consequence.RETURN_JOB)

    offline(scenario)


@pytest.mark.parametrize(
    ("datum", "number", "code"),
    [
        ("data:application/json,{", 1, "EFETCH"),
        ("data:application/json," + " " * 70_000, 1, "EFETCH"),
        ("http://elsewhere.invalid/", 1, "EPERM_ORIGIN"),
        ("", 0, "EFETCH"),
        ("", 10, "EFETCH"),
    ],
)
def test_a_datum_that_cannot_be_had_gives_its_slice_back(datum: str, number: int, code: str) -> None:
    async def scenario(jobs: JobFetcher) -> None:
        with pytest.raises(FetchFailedError) as caught:
            await jobs.fetch_datum(one_slice(datum, number), job(), FetchedJob("", [], [1, 2, 3], 0))
        assert (caught.value.code, caught.value.consequence) == (code, Consequence.RETURN_SLICE)

    offline(scenario)


def online(
    scenario: Callable[[JobFetcher, WebServer, Clock], Awaitable[None]],
    bodies: dict[str, Any],
    cache: ContentCache | None = None,
) -> None:
    async def play(server: WebServer) -> None:
        clock = Clock()
        async with Fetcher(allowing(server.url)) as fetcher:
            await scenario(JobFetcher(patient(fetcher, clock, cache)), server, clock)

    run(play, bodies)


def remote(server: WebServer) -> Job:
    return job(
        code=f"{server.url}/code/1",
        arguments={0: f"{server.url}/a/0", 1: "data:,b"},
        input_set_location=f"{server.url}/set/1",
    )


BODIES = {
    "/code/1": ("x => x", "application/javascript"),
    "/a/0": ("[1]", "application/json"),
    "/set/1": ('{"start":5,"end":7}', "application/json"),
    "/d/1": ("datum", "text/plain"),
}


def test_parts_come_at_the_same_time() -> None:
    async def scenario(jobs: JobFetcher, server: WebServer, clock: Clock) -> None:
        server.hold = asyncio.Event()
        fetching = asyncio.create_task(jobs.fetch_job(remote(server)))
        while sum(server.asked.values()) < 3:
            await asyncio.sleep(0.001)
        server.hold.set()
        fetched = await fetching
        assert (fetched.work_function, fetched.arguments) == ("x => x", [[1], "b"])
        assert list(fetched.input_set or ()) == [5, 6, 7]
        assert fetched.size == len("x => x") + len("[1]") + len("data:,b")
        datum = await jobs.fetch_datum(one_slice(f"{server.url}/d/1"), job(), fetched)
        assert datum == Datum("datum", 5)
        assert clock.slept == []

    online(scenario, BODIES)


def test_servers_in_trouble_are_tried_again() -> None:
    async def scenario(jobs: JobFetcher, server: WebServer, clock: Clock) -> None:
        server.failures["/code/1"] = [503, 429]
        assert (await jobs.fetch_job(remote(server))).work_function == "x => x"
        assert (server.asked["/code/1"], clock.slept) == (3, [2])

    online(scenario, BODIES)


def test_servers_that_stay_in_trouble_are_left_alone() -> None:
    async def scenario(jobs: JobFetcher, server: WebServer, clock: Clock) -> None:
        server.failures["/code/1"] = [500] * 10
        for asked in (3, 3):
            with pytest.raises(FetchFailedError) as caught:
                await jobs.fetch_job(remote(server))
            assert (caught.value.code, caught.value.is_transient) == ("EJOBFETCH", True)
            assert server.asked["/code/1"] == asked
        clock.now += 200
        server.failures.clear()
        assert (await jobs.fetch_job(remote(server))).work_function == "x => x"

    online(scenario, BODIES)


def test_what_is_not_there_is_asked_for_once() -> None:
    async def scenario(jobs: JobFetcher, server: WebServer, clock: Clock) -> None:
        with pytest.raises(FetchFailedError) as caught:
            await jobs.fetch_datum(one_slice(f"{server.url}/none/1"), job(), FetchedJob("", [], None, 0))
        assert (caught.value.code, server.asked["/none/1"], clock.slept) == ("ESLICEFETCH", 1, [])

    online(scenario, BODIES)


def test_work_functions_are_kept_for_the_next_time(tmp_path: Path) -> None:
    async def scenario(jobs: JobFetcher, server: WebServer, clock: Clock) -> None:
        for _ in range(2):
            assert (await jobs.fetch_job(remote(server))).work_function == "x => x"
        assert (server.asked["/code/1"], server.asked["/a/0"]) == (1, 2)

    online(scenario, BODIES, ContentCache(tmp_path / "c"))


def test_the_cache_has_nothing_of_origins_that_are_not_allowed(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path / "c")
    cache.put("http://elsewhere.invalid/f", "x")

    async def scenario(jobs: JobFetcher, server: WebServer, clock: Clock) -> None:
        with pytest.raises(FetchFailedError) as caught:
            await jobs.fetch_job(job(code="http://elsewhere.invalid/f"))
        assert caught.value.code == "EPERM_ORIGIN"

    online(scenario, {}, cache)


def test_origins_of_a_compute_group_are_for_its_jobs_only() -> None:
    async def play(server: WebServer) -> None:
        origins = AllowedOrigins()
        trust_groups(origins, {"g": {"fetchWorkFunctions": [server.url, "http://["], "other": [server.url]}})
        async with Fetcher(origins) as fetcher:
            jobs = JobFetcher(patient(fetcher))
            code = f"{server.url}/code/1"
            assert (await jobs.fetch_job(job(code=code, group_job="j-g"))).work_function == "x => x"
            for group_job in ("j-h", ""):
                with pytest.raises(FetchFailedError):
                    await jobs.fetch_job(job(code=code, group_job=group_job))

    run(play, BODIES)


def test_a_scheduler_opens_no_files() -> None:
    origins = AllowedOrigins()
    trust_groups(
        origins, {"g": {"fetchData": ["/etc/passwd"], "any": ["file:///etc/passwd"]}, "": {"any": ["http://a"]}}
    )
    assert not origins.allows("/etc/passwd", "fetchData", "g")
    assert not origins.allows("http://a", "fetchData")


def test_the_first_failure_ends_the_other_fetches() -> None:
    async def play(server: WebServer) -> None:
        async with Fetcher(allowing(server.url)) as fetcher:
            server.hold = asyncio.Event()
            jobs = JobFetcher(patient(fetcher))
            with pytest.raises(FetchFailedError, match="argument 0"):
                await jobs.fetch_job(job(code=f"{server.url}/code/1", arguments={0: "http://elsewhere.invalid/"}))
            assert len(asyncio.all_tasks() - {asyncio.current_task()}) <= 2  # of the server
            server.hold.set()

    run(play, BODIES)
