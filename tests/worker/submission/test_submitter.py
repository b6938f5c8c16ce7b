"""Results and statuses reach a scheduler that fails, refuses and vanishes."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from submitted_slices import JOB, METRICS, Heard, Scheduler, one_slice, stored_elsewhere

from dcp_protocol import kvin
from dcp_protocol.errors import ConnectionEndedError, ProtocolError, RemoteError
from dcp_protocol.uris import AllowedOrigins, decode_data_uri
from dcp_worker.dialects.choice import V4
from dcp_worker.dialects.dialect import Message
from dcp_worker.submission.bodies import Upload
from dcp_worker.submission.result_sender import NOT_WHOLE
from dcp_worker.submission.submission_queue import QueueOptions
from dcp_worker.submission.submitter import INTERRUPTED, NO_ROOM, Submitter, at_once, is_large
from dcp_worker.submission.uploader import Uploader, UploadError
from dcp_worker.tasks.slices import SliceKey

pytestmark = pytest.mark.any_engine
QUICK = QueueOptions(open=8, first_rest=0.001, longest_rest=0.002)


class Storage:
    """``answers``: statuses, or answers, that uploads get, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.forms: list[bytes] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.forms.append(await request.read())
        answer = self.answers.pop(0)
        return web.Response(status=answer) if isinstance(answer, int) else web.json_response(answer)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post("/", self.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        try:
            yield
        finally:
            await runner.cleanup()


Scenario = Callable[[Submitter, Scheduler, Heard], Awaitable[None]]


def play(
    folder: Path | None,
    scenario: Scenario,
    *,
    scheduler: Scheduler | None = None,
    storage: Storage | None = None,
    limit: int = 1 << 30,
    options: QueueOptions = QUICK,
    before_result: Callable[[SliceKey], Awaitable[None]] = at_once,
) -> Heard:
    async def main() -> Heard:
        heard, at, elsewhere = Heard(), scheduler or Scheduler(), storage or Storage()
        async with elsewhere.serve():
            submitter = Submitter(
                at.request,
                V4,
                "w",
                "0x1",
                origins=AllowedOrigins({"sendResults": [elsewhere.url]}),
                folder=folder,
                limit=limit,
                before_result=before_result,
                on_acknowledged=heard.acknowledged,
                on_warning=heard.warnings.append,
                options=options,
            )
            await submitter.start()
            await scenario(submitter, at, heard)
            await submitter.close()
        return heard

    return asyncio.run(main())


def work(submitter: Submitter, numbers: range, value: Any = 5) -> None:
    slices = [one_slice(number) for number in numbers]
    submitter.handed_out(slices)
    for one in slices:
        submitter.begun(one)
        submitter.submit(JOB, one, value, METRICS)


def test_results_are_acknowledged_and_paid(tmp_path: Path) -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        work(submitter, range(20))
        assert await submitter.drain(20)
        assert submitter.pending() == []
        assert sorted(heard.acknowledgements) == list(range(20))
        assert [result["slice"] for result in scheduler.results] == list(range(20))
        first = scheduler.results[0]
        assert (first["worker"], first["paymentAddress"], first["authorizationMessage"]) == ("w", "0x1", {"auth": 1})
        inside = kvin.unmarshal(first["resultV2"])
        assert kvin.deserialize(inside["string"]) == 5
        assert scheduler.returned() == {}

    play(tmp_path / "s", scenario)


def test_a_slice_begins_before_it_has_a_result() -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        held = asyncio.Event()

        async def slow() -> None:
            await held.wait()

        scheduler.answer = lambda operation, data: slow() if operation == "status" and not held.is_set() else None
        sent: list[tuple[str, int]] = []
        request = scheduler.request

        async def watched(message: Message) -> Any:
            value, operation = message.data.value, message.operation
            numbers = [value["slice"]] if operation == "result" else value["slices"][0]["sliceNumbers"]
            sent.extend((operation, number) for number in numbers)
            return await request(message)

        submitter._asking._request = watched
        work(submitter, range(5))
        await asyncio.sleep(0.01)
        held.set()
        assert await submitter.drain(20)
        for number in range(5):
            assert sent.index(("status", number)) < sent.index(("result", number))

    play(None, scenario)


def test_what_comes_before_a_result_holds_up_no_other() -> None:
    said = asyncio.Event()

    async def before(key: SliceKey) -> None:
        if key.number == 2:
            await said.wait()

    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        work(submitter, range(5))
        assert not await submitter.drain(0.05)
        while len(heard.acknowledgements) < 4:
            await asyncio.sleep(0.01)
        assert [key.number for key in submitter.pending()] == [2]
        said.set()
        assert await submitter.drain(20)
        assert [result["slice"] for result in scheduler.results][-1] == 2

    play(None, scenario, before_result=before)


def test_statuses_go_together() -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        for number in range(1000):
            submitter.begun(one_slice(number))
        submitter.give_back([one_slice(2000), one_slice(2001)], "r")
        assert await submitter.drain(20)
        assert len(scheduler.statuses) < 10
        assert scheduler.returned() == {2000: "r", 2001: "r"}
        assert len(scheduler.order) == 1002

    play(None, scenario)


@pytest.mark.parametrize(
    "error", [ConnectionEndedError("ECONNRESET", ""), RemoteError("EPIPE", "", {}), ProtocolError("EBUSY", "")]
)
def test_what_meets_the_end_of_a_connection_goes_over_the_next(tmp_path: Path, error: Exception) -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        scheduler.answer = lambda operation, data: error
        work(submitter, range(5))
        submitter.give_back([one_slice(9)], "r")
        assert not await submitter.drain(0.05)
        assert (scheduler.results, heard.acknowledgements, len(submitter.pending())) == ([], [], 5)
        scheduler.answer = lambda operation, data: None
        submitter.connected()
        assert await submitter.drain(20)
        assert sorted(heard.acknowledgements) == list(range(5))
        assert scheduler.returned() == {9: "r"}
        assert (heard.given_up, heard.warnings) == ([], [])

    play(tmp_path / "s", scenario)


def test_while_there_is_no_connection_it_is_not_asked_for_all_the_time() -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        asked = Counter[str]()

        def answer(operation: str, data: Any) -> Exception:
            asked[operation] += 1
            return ConnectionEndedError("ECONNRESET", "gone")

        scheduler.answer = answer
        work(submitter, range(100))
        await asyncio.sleep(0.05)
        assert asked["result"] <= 16

    play(None, scenario, options=QueueOptions(open=8, first_rest=100))


def test_a_result_that_is_refused_is_tried_again() -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        refusals = {1: 2, 2: 1}

        def answer(operation: str, data: Any) -> Exception | None:
            if operation == "result" and refusals.get(data["slice"], 0):
                refusals[data["slice"]] -= 1
                return RemoteError("EDB", "no", {})
            return None

        scheduler.answer = answer
        work(submitter, range(4))
        assert await submitter.drain(20)
        assert sorted(heard.acknowledgements) == [0, 1, 2, 3]
        assert scheduler.returned() == {}

    play(None, scenario)


@pytest.mark.parametrize(("code", "reason"), [("EDB", "EDB"), ("", "no")])
def test_a_result_that_stays_refused_gives_its_slice_back(tmp_path: Path, code: str, reason: str) -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        tried = Counter[int]()

        def answer(operation: str, data: Any) -> Exception | None:
            if operation == "result":
                tried[data["slice"]] += 1
            return RemoteError(code, "no", {}) if operation == "result" and data["slice"] == 1 else None

        scheduler.answer = answer
        work(submitter, range(3))
        assert await submitter.drain(20)
        assert tried == {0: 1, 1: 3, 2: 1}
        assert scheduler.returned() == {1: reason}
        assert heard.given_up == [1]
        assert len(heard.warnings) == 1

    play(tmp_path / "s", scenario)
    play(tmp_path / "s", nothing_left)


def test_a_result_whose_answer_was_lost_is_not_returned(tmp_path: Path) -> None:
    """The scheduler has it: it refuses the same again."""

    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        had: set[int] = set()

        def answer(operation: str, data: Any) -> Exception | None:
            if operation != "result":
                return None
            if data["slice"] in had:
                return RemoteError("EEXIST", "it is here", {})
            had.add(data["slice"])
            return ConnectionEndedError("ECONNRESET", "before the answer came")

        scheduler.answer = answer
        work(submitter, range(3))
        assert await submitter.drain(20)
        assert (sorted(heard.given_up), scheduler.returned()) == ([0, 1, 2], {})

    play(tmp_path / "s", scenario)
    play(tmp_path / "s", nothing_left)


def test_results_without_answer_are_sent_again(tmp_path: Path) -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        silent = [1, 1, 1]

        def answer(operation: str, data: Any) -> Any:
            return asyncio.sleep(1000) if silent and silent.pop() else None

        scheduler.answer = answer
        work(submitter, range(3))
        assert await submitter.drain(20)
        assert sorted(heard.acknowledgements) == [0, 1, 2]

    play(tmp_path / "s", scenario, options=replace(QUICK, answer=0.05))


async def nothing_left(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
    assert await submitter.drain(20)
    assert (scheduler.order, submitter.pending()) == ([], [])


def test_statuses_that_stay_refused_are_told_of_once(tmp_path: Path) -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        scheduler.answer = lambda operation, data: RemoteError("EDB", "no", {})
        submitter._statuses._queue.tries = 1
        submitter.handed_out([one_slice(1)])
        submitter.give_back([one_slice(1)], "r")
        assert await submitter.drain(20)
        assert len(heard.warnings) == 1

    play(tmp_path / "s", scenario)
    play(tmp_path / "s", nothing_left)


def test_the_next_run_sends_what_is_left(tmp_path: Path) -> None:
    async def first(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        scheduler.answer = lambda operation, data: ConnectionEndedError("ETIMEDOUT", "nobody")
        submitter.handed_out([one_slice(7), one_slice(8)])
        work(submitter, range(3))

    async def second(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        assert await submitter.drain(20)
        assert [result["slice"] for result in scheduler.results] == [0, 1, 2]
        assert scheduler.returned() == {7: INTERRUPTED, 8: INTERRUPTED}

    for scenario in (first, second, nothing_left):
        play(tmp_path / "s", scenario)


def test_a_slice_that_is_handed_out_again_is_not_forgotten_for_its_old_return(tmp_path: Path) -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        old = one_slice(1)
        submitter.handed_out([old])
        held = asyncio.Event()

        async def slow() -> None:
            await held.wait()

        scheduler.answer = lambda operation, data: (
            slow() if operation == "status" else ConnectionEndedError("EPIPE", "")
        )
        submitter.give_back([old], "r")
        await asyncio.sleep(0.01)
        again = one_slice(1, replace(old.authorization))
        submitter.handed_out([again])
        submitter.submit(JOB, again, 5, METRICS)
        held.set()
        await asyncio.sleep(0.02)
        assert len(submitter.pending()) == 1
        assert submitter._store.results() != []

    play(tmp_path / "s", scenario)


def test_without_room_the_oldest_results_go_back() -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        scheduler.answer = lambda operation, data: (
            ConnectionEndedError("EPIPE", "gone") if operation == "result" else None
        )
        work(submitter, range(10), "x" * 1000)
        scheduler.answer = lambda operation, data: None
        submitter.connected()
        assert await submitter.drain(20)
        assert heard.given_up
        assert sorted(heard.given_up + heard.acknowledgements) == list(range(10))
        assert scheduler.returned() == dict.fromkeys(heard.given_up, NO_ROOM)
        assert 9 in heard.acknowledgements

    play(None, scenario, limit=5000)


@pytest.mark.parametrize("value", [kvin.Function("f", "x"), object()])
def test_a_value_that_cannot_be_written_gives_its_slice_back(value: Any) -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        if isinstance(value, kvin.Function):
            submitter.submit(JOB, stored_elsewhere(1), {"a": kvin.BigInt(5)}, METRICS)
        else:
            submitter.submit(JOB, one_slice(1), value, METRICS)
        assert await submitter.drain(20)
        assert list(scheduler.returned()) == [1]
        assert scheduler.results == []

    play(None, scenario)


def test_a_result_that_the_disk_has_lost_gives_its_slice_back(tmp_path: Path) -> None:
    async def first(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        scheduler.answer = lambda operation, data: ConnectionEndedError("EPIPE", "gone")
        submitter.submit(JOB, one_slice(1), np.ones(100_000), METRICS)

    play(tmp_path / "s", first)
    (body,) = (tmp_path / "s" / "bodies").iterdir()
    body.write_bytes(b"torn")

    async def second(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        assert await submitter.drain(20)
        assert scheduler.returned() == {1: NOT_WHOLE}

    play(tmp_path / "s", second)
    play(tmp_path / "s", nothing_left)


def test_not_too_many_are_on_their_way() -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        for number in range(100):
            submitter.submit(JOB, one_slice(number), 5, METRICS)
        assert await submitter.drain(20)
        assert scheduler.most_open <= 8

    play(None, scenario)


def test_results_for_elsewhere_are_uploaded_once(tmp_path: Path) -> None:
    storage = Storage(503, {"href": "http://a/1"})

    async def first(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        scheduler.answer = lambda operation, data: ConnectionEndedError("EPIPE", "gone")
        submitter.submit(JOB, stored_elsewhere(1, storage.url), {"a": 1}, METRICS)
        while storage.answers:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)

    async def second(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        assert await submitter.drain(20)
        (result,) = scheduler.results
        assert decode_data_uri(result["result"]).value == {"href": "http://a/1"}
        assert "resultV2" not in result

    play(tmp_path / "s", first, storage=storage)
    play(tmp_path / "s", second, storage=storage)
    assert storage.forms == [b"contentType=application%2Fjson&element=1&content=%7B%22a%22%3A1%7D"] * 2


def test_what_may_not_be_uploaded_gives_its_slice_back() -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        submitter.submit(JOB, stored_elsewhere(1, "http://127.0.0.1:1/"), 5, METRICS)
        assert await submitter.drain(20)
        assert scheduler.returned() == {1: "EPERM_ORIGIN"}

    play(None, scenario)


def test_reasons() -> None:
    async def scenario(submitter: Submitter, scheduler: Scheduler, heard: Heard) -> None:
        submitter.give_back([one_slice(1)], "text")
        submitter.give_back([one_slice(2)], "text", "ECODE")
        submitter.give_back([one_slice(3)], "text", "EWORKREJECT", 2)
        submitter.give_back([one_slice(4)], "", "EWORKREJECT", 0)
        assert await submitter.drain(20)
        assert scheduler.returned() == {
            1: "text",
            2: "ECODE",
            3: {"message": "text", "retries": 2, "errorCode": "EWORKREJECT"},
            4: {"message": False, "retries": 0, "errorCode": "EWORKREJECT"},
        }

    play(None, scenario)


def uploading(scenario: Callable[[Uploader, str], Awaitable[None]], group: str = "") -> list[tuple[str, str, bytes]]:
    asked: list[tuple[str, str, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.content_type, await request.read()))
        if request.path == "/redirect":
            raise web.HTTPTemporaryRedirect("/json")
        if request.path == "/json":
            return web.json_response({"href": "http://a/1"})
        if request.path == "/large":
            return web.Response(text="x" * (2 << 20))
        if request.path == "/broken":
            return web.Response(text="{", content_type="application/json")
        return web.Response(status=int(request.path[1:]), text="text")

    async def main() -> None:
        application = web.Application()
        application.router.add_post("/{tail:.*}", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        origins = AllowedOrigins()
        origins.add(url, "sendResults", group)
        async with Uploader(origins) as uploader:
            await scenario(uploader, url)
        await runner.cleanup()

    asyncio.run(main())
    return asked


def test_uploads() -> None:
    async def scenario(uploader: Uploader, url: str) -> None:
        assert await uploader.upload(Upload(f"{url}/json", "", b"", b"a=1")) == {"href": "http://a/1"}
        assert await uploader.upload(Upload(f"{url}/201", "", b"", b"a=1")) == "text"

    assert uploading(scenario) == [("POST", "application/x-www-form-urlencoded", b"a=1")] * 2


@pytest.mark.parametrize(
    ("path", "code", "is_final"),
    [
        ("{}/503", "HTTP_503", False),
        ("{}/429", "HTTP_429", False),
        ("{}/404", "HTTP_404", True),
        ("{}/redirect", "HTTP_307", True),
        ("{}/large", "EUPLOAD", False),
        ("{}/broken", "EUPLOAD", False),
        ("http://127.0.0.1:1/", "EPERM_ORIGIN", True),
        ("file:///etc/passwd", "EUPLOAD", True),
        ("http://[", "EUPLOAD", True),
    ],
)
def test_uploads_that_fail(path: str, code: str, is_final: bool) -> None:
    async def scenario(uploader: Uploader, url: str) -> None:
        with pytest.raises(UploadError) as caught:
            await uploader.upload(Upload(path.format(url), "", b"", b""))
        assert (caught.value.code, caught.value.is_final) == (code, is_final)

    uploading(scenario)


def test_a_groups_storage_is_for_its_results_only() -> None:
    async def scenario(uploader: Uploader, url: str) -> None:
        assert await uploader.upload(Upload(f"{url}/200", "g", b"", b"")) == "text"
        with pytest.raises(UploadError):
            await uploader.upload(Upload(f"{url}/200", "h", b"", b""))

    uploading(scenario, "g")


def test_large_values_are_told_from_small_ones() -> None:
    for value in (5, None, "x", [1, 2], {"a": {"b": "c"}}, np.zeros(10)):
        assert not is_large(value)
    circle: list[Any] = []
    circle.append(circle)
    for value in ("x" * 100_000, np.zeros(100_000), [0] * 1000, kvin.Map(), circle, [["x" * 1000] * 100]):
        assert is_large(value)


WORKER = """
import asyncio, json, random, sys
sys.path[:0] = json.loads(sys.argv[3])
from pathlib import Path
from dcp_protocol.errors import ConnectionEndedError
from dcp_worker.dialects.choice import V4
from dcp_protocol.uris import AllowedOrigins
from dcp_worker.submission.submission_queue import QueueOptions
from dcp_worker.submission.submitter import Submitter
from submitted_slices import JOB, METRICS, one_slice

async def request(message):
    await asyncio.sleep(random.random() * 0.01)
    if random.random() < 0.1:
        raise ConnectionEndedError("ECONNRESET", "before it came")
    print(json.dumps([message.operation, message.data.value]), flush=True)
    await asyncio.sleep(random.random() * 0.01)
    if random.random() < 0.1:
        raise ConnectionEndedError("ECONNRESET", "before the answer came")
    return {"slicePaymentAmount": 1}

async def main():
    submitter = Submitter(
        request, V4, "w", "0x1", origins=AllowedOrigins(), folder=Path(sys.argv[1]),
        on_warning=lambda text: print(json.dumps(["warn", text])),
        options=QueueOptions(first_rest=0.002, longest_rest=0.01),
    )
    await submitter.start()
    here = {key.number for key in submitter.pending()}  # which a worker does not take again
    for number in json.loads(sys.argv[2]):
        if number in here:
            continue
        one = one_slice(number)
        submitter.handed_out([one])
        submitter.begun(one)
        submitter.submit(JOB, one, "x" * random.choice([10, 100_000]), METRICS)
        await asyncio.sleep(0.001)
    await submitter.drain()
    await submitter.close()

asyncio.run(main())
"""


def test_workers_that_are_killed_at_any_moment_lose_no_result(tmp_path: Path) -> None:
    """Each slice has one result at the scheduler, which may come twice; what went back is computed anew."""
    results: dict[int, set[str]] = {}
    wanted = set(range(60))
    chance = random.Random(5)
    for round_number in range(30):
        numbers = json.dumps(sorted(wanted))
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "s"), numbers, json.dumps(sys.path)], stdout=subprocess.PIPE
        )
        if round_number < 6:
            assert worker.stdout is not None
            first = worker.stdout.readline()
            time.sleep(chance.random() * 0.05)
            worker.send_signal(signal.SIGKILL)
        else:
            first = b""
        output = first + worker.communicate()[0]
        wanted = set()
        lines = [json.loads(line) for line in output.splitlines() if line.endswith(b"]")]
        for operation, data in lines:
            assert operation != "warn"
            if operation == "result":
                results.setdefault(data["slice"], set()).add(json.dumps(data["resultV2"]))
            elif operation == "status":
                for entry in data["slices"]:
                    if entry["status"] == "return":
                        assert entry["reason"] == INTERRUPTED
                        wanted |= set(entry["sliceNumbers"])
        wanted |= set(range(60)) - results.keys() if round_number < 6 else set()
        wanted -= results.keys()
        if round_number >= 6 and results.keys() == set(range(60)):
            break
    assert results.keys() == set(range(60))
    assert all(len(values) == 1 for values in results.values())
