"""The result of a slice waits for the events of its work function, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from dcp_protocol.messages.bodies import JsonText
from dcp_worker.dialects.work_events import WorkEvent
from dcp_worker.node.outgoing_events import OutgoingEvents
from dcp_worker.tasks.slices import SliceKey
from scheduler_stand_in import Job, stand_in
from scheduler_stand_in.scheduler import Ask
from scheduler_stand_in.workers import PROGRAMS, SCHEDULERS, own_program, running

pytestmark = pytest.mark.any_engine

EVENT = WorkEvent(JsonText(b"{}"))
ONE, OTHER = SliceKey("job", 1), SliceKey("job", 2)

Scenario = Callable[[OutgoingEvents, asyncio.Event], Awaitable[None]]


def play(scenario: Scenario, patience: float = 60.0) -> None:
    async def main() -> None:
        answer = asyncio.Event()

        async def emit(event: WorkEvent) -> bool:
            return await answer.wait()

        events = OutgoingEvents(emit, patience)
        await scenario(events, answer)
        await events.close()

    asyncio.run(main())


def test_a_slice_without_events_waits_for_none() -> None:
    async def scenario(events: OutgoingEvents, answer: asyncio.Event) -> None:
        await events.told(ONE)
        events.send(OTHER, EVENT)
        await events.told(ONE)

    play(scenario)


def test_a_slice_waits_for_the_answers_to_all_of_its_events() -> None:
    async def scenario(events: OutgoingEvents, answer: asyncio.Event) -> None:
        events.send(ONE, EVENT)
        events.send(ONE, EVENT)
        told = asyncio.create_task(events.told(ONE))
        await asyncio.sleep(0.01)
        assert not told.done()
        answer.set()
        await told
        await events.told(ONE)

    play(scenario)


def test_patience_ends() -> None:
    async def scenario(events: OutgoingEvents, answer: asyncio.Event) -> None:
        events.send(ONE, EVENT)
        await events.told(ONE)
        assert not answer.is_set()

    play(scenario, patience=0.01)


def test_results_come_after_their_events(tmp_path: Path, dialect: str) -> None:
    async def main() -> None:
        answered: list[tuple[str, int]] = []
        async with stand_in(SCHEDULERS[dialect]) as network:
            answer = network.answer
            network.delays["workEmit"] = 0.2

            def note(ask: Ask) -> object:
                if ask.operation in ("workEmit", "result"):
                    answered.append((ask.operation, ask.data["slice"]))
                return answer(ask)

            network.answer = note  # type: ignore[method-assign]
            network.add(Job(work="(x) => { progress(); console.log(x); return x; }", data=[1, 2, 3]))
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network, ["-c", "2,0"]) as worker:
                await network.until_done()
                assert await worker.stop() == 0, worker.said()
        for number in {number for _, number in answered}:
            assert answered.index(("workEmit", number)) < answered.index(("result", number))

    asyncio.run(main())


def test_results_come_where_events_are_never_answered(tmp_path: Path, dialect: str) -> None:
    async def main() -> None:
        async with stand_in(SCHEDULERS[dialect]) as network:
            network.silent.add("workEmit")
            job = network.add(Job(work="(x) => { progress(); console.log(x); return x; }", data=[1, 2, 3]))
            async with running(own_program(PROGRAMS[dialect]), tmp_path, network, ["-c", "2,0"]) as worker:
                await network.until_done()
                network.silent.clear()
                assert await worker.stop() == 0, worker.said()
            assert all(one.results for one in job.slices.values())
            network.assert_one_result_each()

    asyncio.run(main())
