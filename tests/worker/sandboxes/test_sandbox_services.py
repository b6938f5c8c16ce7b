"""What work functions ask their supervisor for: modules and fetches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from sandbox_driver import Dialect, Heard, job, run, sandbox, value_of

from dcp_worker.errors import WorkerError
from dcp_worker.sandboxes.events import FetchRequest, FetchResponse, ModuleGroup
from dcp_worker.sandboxes.jobs import FetchRefusedError
from dcp_worker.sandboxes.outcomes import Completed

SHAPES = {
    "shapes": {
        "circle.js": """module.declare(["./numbers.js"], function (require, exports, module) {
          exports.area = (r) => require("./numbers.js").tau / 2 * r * r;
          exports.made = 0;
        });""",
        "numbers.js": "module.declare([], (require, exports, module) => { module.exports = { tau: 6 }; });",
    }
}


class Modules:
    """Answers, and remembers what it was asked for."""

    def __init__(self, answer: ModuleGroup | Exception | None) -> None:
        self.asked: list[Sequence[str]] = []
        self._answer = answer

    async def __call__(self, names: Sequence[str]) -> ModuleGroup | None:
        self.asked.append(names)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_a_work_function_requires_modules_which_count_as_input(client: Dialect, engine: str) -> None:
    source = """(r) => {
      progress();
      const circle = require("shapes/circle.js");
      circle.made += 1;
      return [circle.area(r), circle.made];
    }"""
    modules = Modules(SHAPES)

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source, dependencies=("shapes/circle.js",), modules=modules, size=1000))
            outcome = await box.work(1, size=10)
            assert value_of(outcome) == [3, 1]
            assert value_of(await box.work(2)) == [12, 2]
            assert isinstance(outcome, Completed)
            assert outcome.metrics.input_size == 1010 + sum(len(text) for text in SHAPES["shapes"].values())

    run(drive())
    assert modules.asked == [["shapes/circle.js"]]


def test_modules_asked_for_while_a_slice_runs_and_those_that_there_are_not(client: Dialect, engine: str) -> None:
    source = """async () => {
      progress();
      return new Promise((resolve) => module.provide(["late/late.js"],
        () => resolve(require("late/late.js").answer), () => resolve("none")));
    }"""
    late = {"late": {"late.js": "module.declare([], (require, exports) => { exports.answer = 42; });"}}

    async def drive(modules: Modules, result: object) -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source, modules=modules))
            assert value_of(await box.work(0)) == result

    run(drive(Modules(late), 42))
    run(drive(Modules(None), "none"))


def test_a_module_that_cannot_be_had_is_the_error_of_assign(client: Dialect, engine: str) -> None:
    failure = WorkerError("the package manager has no such module")

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            with pytest.raises(WorkerError) as caught:
                await box.assign(job("(x) => x", dependencies=("no/no.js",), modules=Modules(failure)))
            assert caught.value is failure
            await box.wait_closed()

    run(drive())


FETCH = """async (url) => {
  progress();
  try {
    const response = await fetch(url, { headers: { "X-Asked": "it" } });
    const body = new Uint8Array(await response.arrayBuffer());
    return [response.status, response.ok, response.headers.get("x-answered"), ...body];
  } catch (error) {
    return [error.name, error.message];
  }
}"""


def test_fetches_are_served_refused_and_counted(client: Dialect, engine: str) -> None:
    asked: list[FetchRequest] = []

    async def fetch(request: FetchRequest) -> FetchResponse:
        asked.append(request)
        await asyncio.sleep(0.01)
        if "forbidden" in request.url:
            raise FetchRefusedError(f"Not allowed to fetch from '{request.url}'", "EPERM_ORIGIN", "DCPError")
        return FetchResponse(request.url, 200, "OK", [("X-Answered", "yes")], bytes(range(256)))

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(FETCH, fetch=fetch))
            served = await box.work("http://localhost/a")
            assert value_of(served) == [200, True, "yes", *range(256)]
            refused = await box.work("http://localhost/forbidden")
            assert value_of(refused) == ["DCPError", "Not allowed to fetch from 'http://localhost/forbidden'"]
            assert isinstance(served, Completed) and isinstance(refused, Completed)
            head = len("200 OK\r\n") + len("X-Answered: yes") + 4
            assert served.metrics.input_size == head + 256
            assert refused.metrics.input_size == 0
            request = len("GET http://localhost/a\r\n") + len("x-asked: it") + 4
            assert served.metrics.output_size > request

    run(drive())
    (first, _) = asked
    assert (first.method, first.url, first.headers, first.body) == (
        "GET",
        "http://localhost/a",
        [("x-asked", "it")],
        None,
    )


def test_a_fetch_service_that_breaks_is_what_the_slice_fails_with(client: Dialect, engine: str) -> None:
    async def fetch(request: FetchRequest) -> FetchResponse:
        raise ZeroDivisionError

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(FETCH, fetch=fetch))
            with pytest.raises(ZeroDivisionError):
                await box.work("http://localhost/a")

    run(drive())


def test_a_fetch_is_given_up_with_its_sandbox(client: Dialect, engine: str) -> None:
    cancelled: list[str] = []
    asked = asyncio.Event()

    async def fetch(request: FetchRequest) -> FetchResponse:
        asked.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(request.url)
            raise
        raise AssertionError

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(FETCH, fetch=fetch))
            slice_ = asyncio.create_task(box.work("http://localhost/a"))
            await asked.wait()
            slice_.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slice_
            await box.wait_closed()

    run(drive())
    assert cancelled == ["http://localhost/a"]


def test_what_a_slice_left_behind_is_not_counted_to_the_next(client: Dialect, engine: str) -> None:
    """A fetch of the first slice is answered while the second one runs."""
    second_has_begun = Heard()
    source = """async (x) => {
      progress();
      if (x === 1) { fetch("http://localhost/slow"); await new Promise((done) => setTimeout(done, 100)); }
      else await new Promise((done) => setTimeout(done, 500));
      return x;
    }"""

    async def fetch(request: FetchRequest) -> FetchResponse:
        await second_has_begun.has_begun.wait()
        return FetchResponse(request.url, 200, "OK", [], b"x" * 100_000)

    async def drive() -> None:
        async with sandbox(client, engine) as box:
            await box.assign(job(source, fetch=fetch))
            first, second = await box.work(1), await box.work(2, second_has_begun)
            assert isinstance(first, Completed) and isinstance(second, Completed)
            assert (first.metrics.input_size, second.metrics.input_size) == (0, 0)
            assert first.metrics.output_size > second.metrics.output_size

    run(drive())
