"""Slices, results and a scheduler for tests of submission."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dcp_protocol import canonical_json
from dcp_protocol.messages.bodies import JsonText
from dcp_worker.dialects.dialect import Message
from dcp_worker.dialects.results import Acknowledgement
from dcp_worker.submission.bodies import ResultText
from dcp_worker.tasks.capabilities import Worktime
from dcp_worker.tasks.job import Job
from dcp_worker.tasks.slices import Authorization, Slice, SliceKey, SliceMetrics, Storage

AUTHORIZATION = Authorization(JsonText(b'{"auth":1}'))
JOB = Job(identity="j", name="a job", code="data:,", worktime=Worktime("map-basic", "1.0.0"))
METRICS = SliceMetrics(cpu_time=1, total_time=2)


def one_slice(number: int, authorization: Authorization = AUTHORIZATION, **others: Any) -> Slice:
    return Slice(key=SliceKey("j", number), authorization=authorization, **others)


def stored_elsewhere(number: int, url: str = "http://storage.invalid/") -> Slice:
    return one_slice(number, storage=Storage(url, {}))


def text(number: int, size: int = 0) -> ResultText:
    return ResultText(canonical_json.encode({"slice": number, "filling": "x" * size}))


class Scheduler:
    """``answer`` decides what becomes of a request; what was taken is in ``results`` and ``statuses``."""

    def __init__(self) -> None:
        self.results: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.order: list[tuple[str, Any]] = []
        self.answer: Callable[[str, Any], Any] = lambda operation, data: None
        self.payment = 0.5
        self.open = 0
        self.most_open = 0

    async def request(self, message: Message) -> Any:
        operation, value = message.operation, canonical_json.decode(message.data.text)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(0)
            error = self.answer(operation, value)
            if asyncio.iscoroutine(error):
                error = await error
            if isinstance(error, Exception):
                raise error
        finally:
            self.open -= 1
        if operation == "result":
            self.results.append(value)
            self.order.append(("result", value["slice"]))
            return {"slicePaymentAmount": self.payment, "metrics": {}}
        assert operation == "status"
        self.statuses += value["slices"]
        for entry in value["slices"]:
            self.order += [(entry["status"], number) for number in entry["sliceNumbers"]]
        return {}

    def returned(self) -> dict[int, Any]:
        """The reason by slice."""
        return {
            number: entry["reason"]
            for entry in self.statuses
            if entry["status"] == "return"
            for number in entry["sliceNumbers"]
        }


class Heard:
    """What a submitter told."""

    def __init__(self) -> None:
        self.acknowledgements: list[int] = []
        self.given_up: list[int] = []
        self.warnings: list[str] = []

    def acknowledged(self, key: SliceKey, acknowledgement: Acknowledgement | None) -> None:
        (self.given_up if acknowledgement is None else self.acknowledgements).append(key.number)
