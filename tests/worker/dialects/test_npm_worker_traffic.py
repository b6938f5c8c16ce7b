"""Dialect 4, field by field as npm's dcp-worker 3.3.19 spoke it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from dialect_values import KEY
from recorded_traffic import IDENTITY, JOB, PAYMENT_ADDRESS, WORKER, recorded

from dcp_protocol import canonical_json, kvin
from dcp_protocol.messages.bodies import JsonText
from dcp_worker.dialects import sandbox_messages
from dcp_worker.dialects.capability_objects import from_bits, to_bits
from dcp_worker.dialects.choice import V4
from dcp_worker.dialects.results import read_acknowledgement
from dcp_worker.dialects.slice_status import Begun
from dcp_worker.dialects.work_request import Cores, FetchState, WorkRequest
from dcp_worker.tasks.capabilities import Capability, Worktime, Worktimes
from dcp_worker.tasks.load import Load
from dcp_worker.tasks.slices import Slice, SliceError, SliceKey, SliceMetrics
from dcp_worker.tasks.task import Task

pytestmark = pytest.mark.any_engine


def same(ours: JsonText, theirs: Any) -> None:
    """The same text: the same members, in the same order."""
    assert bytes(ours.text) == canonical_json.encode(theirs)


def task() -> Task:
    return V4.read_task(recorded("requestTask")[0]["answer"])


def slices() -> dict[int, Slice]:
    tasks = [V4.read_task(entry["answer"]) for entry in recorded("requestTask")]
    return {of.key.number: of for one in tasks for of in one.slices}


def work_request(**others: Any) -> WorkRequest:
    common: dict[str, Any] = {
        "load": Load(1, 0),
        "cores": Cores(WORKER, 2, 2, 10),
        "capabilities": Capability.FDLIBM,
        "payment_address": PAYMENT_ADDRESS,
        "worktimes": (Worktimes("map-basic", ("1.0.0",)), Worktimes("pyodide", ("0.26.0",))),
    }
    return WorkRequest(**common | others)


@pytest.mark.parametrize(
    ("index", "others"),
    [
        (0, {"state": FetchState.NORMAL | FetchState.STARTUP}),
        (
            1,
            {
                "state": FetchState.NORMAL | FetchState.LIVENESS,
                "cpu_quanta": {"0": 8, JOB: 79.43190500000128},
                "at_work": {JOB: [1]},
            },
        ),
        (2, {"cpu_quanta": {JOB: 40.813740999999936, "0": 8}}),
    ],
    ids=["the first", "with liveness", "later"],
)
def test_requests_for_work(index: int, others: dict[str, Any]) -> None:
    entry = recorded("requestTask")[index]
    message = V4.request_task(work_request(**others), entry["session"], KEY)
    assert message.operation == "requestTask"
    same(message.data, entry["data"])


def test_what_an_evaluator_describes_is_sent_as_it_is() -> None:
    described = recorded("requestTask")[0]["data"]["capabilities"]
    message = V4.request_task(work_request(described=described | {"more": {}}), "s", KEY)
    assert message.data.value["capabilities"] == described | {"more": {}}
    assert to_bits(described) == Capability.FDLIBM
    assert from_bits(Capability.FDLIBM) == described


def test_the_task() -> None:
    read = task()
    assert (list(read.jobs), read.faults, read.refused) == ([JOB], [], [])
    job = read.jobs[JOB]
    assert job.name == "a job of the test"
    assert job.code.startswith("data:,async%20(x,f)=%3E%7Bprogress(0.5)")
    assert job.arguments == {0: "data:application/x-kvin,%7B%22_serializeVerId%22:%22v8%22,%22what%22:3%7D"}
    assert (job.worktime, job.needs, job.uses_gpu) == (Worktime("map-basic", "1.0.0"), Capability.NONE, False)
    assert job.requirements == {"environment": {}, "engine": {}}
    assert [(of.key, of.is_estimation, of.is_long, of.storage.url) for of in read.slices] == [
        (SliceKey(JOB, 0), False, False, ""),
        (SliceKey(JOB, 1), False, False, ""),
    ]
    assert read.slices[0].datum == "data:application/x-kvin,%7B%22_serializeVerId%22:%22v8%22,%22what%22:0%7D"
    authorization = recorded("requestTask")[0]["answer"]["auth"]
    same(read.slices[0].authorization.text, {"auth": authorization})
    assert read.slices[0].authorization is read.slices[1].authorization


def test_no_work() -> None:
    read = V4.read_task(recorded("requestTask")[2]["answer"])
    assert (read.jobs, read.slices, read.refused, read.faults) == ({}, (), (), ())


def test_begun_slices() -> None:
    for entry in recorded("status"):
        number = entry["data"]["slices"][0]["sliceNumbers"][0]
        message = V4.status(WORKER, [Begun(slices()[number])])
        assert message.operation == "status"
        same(message.data, entry["data"])


def metrics(told: dict[str, Any]) -> SliceMetrics:
    return SliceMetrics(
        told["CPUTime"], told["GPUTime"], told["CPUTime"] / told["CPUDensity"], told["InDataSize"], told["OutDataSize"]
    )


CONSOLE_SIZE = 48


@pytest.mark.parametrize("index", [0, 1])
def test_results(index: int) -> None:
    entry = recorded("result")[index]
    job_value = V4.job_value(np.array([[0, 3][index], *range(1, 10)], np.uint8), task().jobs[JOB])
    measured = metrics(entry["data"]["metrics"])
    head = V4.result_head(slices()[index], WORKER, PAYMENT_ADDRESS, measured)
    same_but_densities(head.with_value(job_value), entry["data"])


def same_but_densities(ours: JsonText, theirs: dict[str, Any]) -> None:
    """A density that is computed again may differ in its last digits."""
    density = ours.value["metrics"]["CPUDensity"]
    assert density == pytest.approx(theirs["metrics"]["CPUDensity"])
    same(ours, theirs | {"metrics": theirs["metrics"] | {"CPUDensity": density}})


def error() -> SliceError:
    told = recorded("workEmit")[-1]["data"]["payload"]
    return SliceError(told["code"], told["message"], told["name"], told["stack"])


def test_a_work_function_that_throws_has_the_error_for_its_result() -> None:
    entry = recorded("result")[2]
    head = V4.result_head(slices()[2], WORKER, PAYMENT_ADDRESS, metrics(entry["data"]["metrics"]))
    thrown = kvin.JSError(error().message, {"name": error().name, "stack": error().stack})
    job_value = V4.job_value(sandbox_messages.V4.thrown(thrown), task().jobs[JOB])
    same_but_densities(head.with_value(job_value), entry["data"])


def test_events() -> None:
    job = task().jobs[JOB]
    for entry in recorded("workEmit"):
        told = entry["data"]
        of = slices()[told["slice"]]
        if told["eventName"] == "console":
            event = V4.console_event(job, of, WORKER, "log", ["hi", told["slice"]])
            assert event.size == CONSOLE_SIZE
        elif told["eventName"] == "custom":
            event = V4.custom_event(job, of, WORKER, "mine", {"x": told["slice"]})
        else:
            moment = datetime(2026, 11, 28, 18, 33, 39, 318000, tzinfo=UTC)
            event = V4.error_event(job, of, WORKER, error(), moment)
        same(event.text, told)


def test_acknowledgements() -> None:
    read = read_acknowledgement(recorded("result")[0]["answer"])
    assert read.payment == 0
    assert read.metrics is not None
    assert (read.metrics.cpu_time, read.metrics.cpu_density, read.metrics.gpu_time) == (1, 1, 0)


def test_subscriptions() -> None:
    for ours, entry in zip(V4.subscriptions(IDENTITY, WORKER), recorded("subscribe"), strict=True):
        assert ours.operation == "subscribe"
        same(ours.data, entry["data"])
