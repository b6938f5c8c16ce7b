"""What a worker tells a scheduler in either dialect."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_values import KEY, job_message, reply, slice_message, value_of, work_request

from dcp_protocol import canonical_json, kvin
from dcp_protocol.messages.sealed import open_sealed
from dcp_worker.dialects.choice import V4, V5
from dcp_worker.dialects.compute_groups import GLOBAL, ComputeGroup
from dcp_worker.dialects.dialect import Dialect
from dcp_worker.dialects.slice_status import Begun, Returned, rejected
from dcp_worker.dialects.work_request import FetchState
from dcp_worker.tasks.capabilities import Capability, Worktimes
from dcp_worker.tasks.job import Job
from dcp_worker.tasks.slices import Slice
from npm_calls import NpmCalls

pytestmark = pytest.mark.any_engine
BOTH = pytest.mark.parametrize("dialect", [V4, V5], ids=["4", "5"])
SESSION = "LuzTIuIXGCv98GjFtweFYP70b5gtvCzsdbRlLqTfki"


def slices(dialect: Dialect, auth: int, *numbers: int, **others: Any) -> list[Slice]:
    answer = reply(
        {"j": job_message(dialect, "j")}, {"j": [slice_message(dialect, "j", number, **others) for number in numbers]}
    )
    return list(dialect.read_task(answer | {"auth": auth}).slices)


GROUPS = """(groups, dcpsid) => {
  const { generateTaskRequestWorkerComputeGroups } = require("dcp/compute-groups");
  return generateTaskRequestWorkerComputeGroups({ computeGroups: groups }, { connection: { dcpsid } });
}"""


def test_compute_groups_are_proved_as_npm_does(npm: NpmCalls) -> None:
    given = [{"joinKey": "k", "joinSecret": "s\u00e9cret"}, {"joinKey": "h", "joinHash": " eh1-ab\n"}]
    ours = [ComputeGroup.with_secret("k", "s\u00e9cret"), ComputeGroup.with_hash("h", " eh1-ab\n"), GLOBAL]
    assert npm.call(GROUPS, given, SESSION) == [group.proof(SESSION) for group in ours]


def test_secrets_of_groups_are_not_shown() -> None:
    group = ComputeGroup.with_secret("key", "secret")
    assert repr(group) == "ComputeGroup(join_key='key')"
    assert group.proof("a") != group.proof("b")


@BOTH
def test_a_worker_without_room_says_only_that_it_is_there(dialect: Dialect) -> None:
    request = work_request(state=FetchState.LIVENESS, at_work={"j": (1, 2)})
    assert value_of(dialect.request_task(request, SESSION, KEY).data) == {
        "coreStats": {"worker": "w"},
        "paymentAddress": "0x1",
        "soteriaJobs": {"j": [1, 2]},
        "overdueSlices": None,
        "fetchState": 2,
    }


def test_requests_for_work_of_dialect_5() -> None:
    request = work_request(
        state=FetchState.NORMAL,
        capabilities=Capability.WEBGPU,
        jobs=("a",),
        groups=(),
        worktimes=(Worktimes("pyodide", ("0.27.0", "0.28.0")),),
        sequence=3,
    )
    message = V5.request_task(request, SESSION, KEY)
    assert message.operation == "requestTask@3"
    assert value_of(message.data) == {
        "targetLoad": {"cpu": 1, "gpu": 0, "longSlices": 1},
        "coreStats": {"worker": "w", "lCores": 2, "pCores": 2, "sandbox": 10},
        "jobQuanta": {"CPU": {"0": 1}, "GPU": {"0": 1}},
        "capabilities": 96,
        "gpuSpeed": -1,
        "paymentAddress": "0x1",
        "jobIds": ["a"],
        "workerComputeGroups": [],
        "minimumWage": {"CPU": 0, "GPU": 0, "in": 0, "out": 0},
        "soteriaJobs": None,
        "overdueSlices": None,
        "previouslyWorkedJobs": [],
        "rejectedJobs": [],
        "unresolvedJobs": [],
        "fetchState": 1,
        "worktimes": [{"name": "pyodide", "version": "0.27.0"}, {"name": "pyodide", "version": "0.28.0"}],
        "seq": 3,
    }


def test_the_first_request_of_dialect_5_gives_back_all_slices() -> None:
    message = V5.request_task(work_request(state=FetchState.NORMAL | FetchState.STARTUP), SESSION, KEY)
    sealed = open_sealed(value_of(message.data)["returnAllSlices"].encode())
    assert (sealed.owner, bytes(sealed.body)) == (KEY.address, b'{"id":"w"}')


def test_returning_all_slices() -> None:
    assert V4.return_all("w", "0x1", KEY) is None
    message = V5.return_all("w", "0x1", KEY)
    assert message is not None
    value = value_of(message.data)
    assert (message.operation, list(value)) == ("requestTask@3", ["paymentAddress", "fetchState", "returnAllSlices"])
    assert (value["paymentAddress"], value["fetchState"]) == ("0x1", 16)
    assert open_sealed(value["returnAllSlices"].encode()).owner == KEY.address


@BOTH
def test_slices_that_end_in_the_same_way_share_an_entry(dialect: Dialect) -> None:
    first, second, third = slices(dialect, 1, 1, 2, 3)
    (other_task,) = slices(dialect, 2, 4)
    (estimation,) = slices(dialect, 1, 5, isEstimationSlice=True)
    reason = rejected(False, 2)
    statuses = [
        Returned(first, "r"), Returned(second, "r"), Returned(third, reason), Returned(other_task, "r"),
        Returned(estimation, "r"), Begun(first), Begun(third),
    ]  # fmt: skip
    value = value_of(dialect.status("w", statuses).data)
    assert value["worker"] == "w"
    assert [
        (entry["sliceNumbers"], entry["status"], entry.get("reason"), entry.get("isEstimationSlice"))
        for entry in value["slices"]
    ] == [
        ([1, 2], "return", "r", False),
        ([3], "return", {"message": False, "retries": 2, "errorCode": "EWORKREJECT"}, False),
        ([4], "return", "r", False),
        ([5], "return", "r", True),
        ([1, 3], "begin", None, None),
    ]
    assert [entry["authorizationMessage"]["auth"] for entry in value["slices"]] == [1, 1, 2, 1, 1]
    assert {entry["job"] for entry in value["slices"]} == {"j"}


def job(dialect: Dialect, **others: Any) -> Job:
    return dialect.read_task(reply({"j": job_message(dialect, "j", **others)}, {"j": []})).jobs["j"]


def test_reports_of_no_progress() -> None:
    (of,) = slices(V5, 1, 1)
    event = V5.no_progress_event(job(V5), of, "w", "nothing", 1.5, {"last": None})
    assert value_of(event.text)["payload"] == {
        "message": "nothing", "code": "ENOPROGRESS", "timestamp": 1500, "progressReports": {"last": None},
    }  # fmt: skip


def test_values_of_dialect_5_are_of_the_version_that_the_job_reads() -> None:
    old, new = job(V5), job(V5, needCapabilities=64)
    for of_job, version in ((old, "v8"), (new, "v9")):
        outer = canonical_json.decode(b"".join(V5.job_value(1, of_job).pieces))
        assert outer["_serializeVerId"] == "v9"
        assert canonical_json.decode(outer["what"]["raw"]["string"].encode())["_serializeVerId"] == version


@BOTH
def test_events_whose_data_has_no_json_are_refused(dialect: Dialect) -> None:
    (of,) = slices(dialect, 1, 1)
    with pytest.raises(ValueError, match="BigInt"):
        dialect.custom_event(job(dialect), of, "w", "mine", {"x": kvin.BigInt(1)})
    event = dialect.custom_event(job(dialect), of, "w", "mine", kvin.UNDEFINED)
    assert "data" not in value_of(event.text)["payload"]
