"""Tasks of both dialects: what is wrong in one job or slice takes no other away."""

from __future__ import annotations

from typing import Any

import pytest
from dialect_values import job_message, reply, slice_message, value_of
from hypothesis import given
from hypothesis import strategies as st

from dcp_worker.dialects.choice import V4, V5
from dcp_worker.dialects.dialect import Dialect
from dcp_worker.errors import TaskError
from dcp_worker.tasks.capabilities import Capability
from dcp_worker.tasks.job import JobMetrics
from dcp_worker.tasks.slices import SliceKey, Storage
from dcp_worker.tasks.task import Lifetimes, SchedulerRules

pytestmark = pytest.mark.any_engine
BOTH = pytest.mark.parametrize("dialect", [V4, V5], ids=["4", "5"])


def one_job(dialect: Dialect, slices: list[Any], **others: Any) -> dict[str, Any]:
    return reply({"j": job_message(dialect, "j", **others)}, {"j": slices})


@BOTH
def test_the_authorization_is_all_but_the_body(dialect: Dialect) -> None:
    task = dialect.read_task(one_job(dialect, [slice_message(dialect, "j", 1)]))
    assert value_of(task.slices[0].authorization.text) == {"owner": "o", "signature": "s", "auth": {"a": 1}}


@BOTH
@pytest.mark.parametrize("answer", [None, True, [], {}, {"body": None}, {"body": []}, "body", 1.5])
def test_what_is_no_answer(dialect: Dialect, answer: Any) -> None:
    with pytest.raises(TaskError):
        dialect.read_task(answer)


@BOTH
@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"codeLocation": None}, "codeLocation"),
        ({"codeLocation": 5}, "codeLocation"),
        ({"worktime": "map-basic"}, "worktime"),
        ({"worktime": {"name": "map-basic"}}, "version"),
        ({"argumentsLocation": {}}, "argumentsLocation"),
        ({"argumentsLocation": [{"argIndex": 1, "value": "data:,"}]}, "argumentsLocation"),
        ({"argumentsLocation": [{"argIndex": -1, "value": "data:,"}]}, "argIndex"),
        ({"dependencies": [1]}, "dependencies"),
        ({"public": []}, "public"),
    ],
)
def test_a_wrong_job_gives_back_its_own_slices_only(dialect: Dialect, wrong: dict[str, Any], names: str) -> None:
    jobs = {"good": job_message(dialect, "good"), "bad": job_message(dialect, "bad", **wrong)}
    slices = {job: [slice_message(dialect, job, 7)] for job in jobs}
    task = dialect.read_task(reply(jobs, slices))
    assert list(task.jobs) == ["good"]
    assert [of.key for of in task.slices] == [SliceKey("good", 7)]
    assert [refused.slice.key for refused in task.refused] == [SliceKey("bad", 7)]
    assert names in task.refused[0].reason
    assert len(task.faults) == 1


@BOTH
def test_a_job_under_anothers_name(dialect: Dialect) -> None:
    task = dialect.read_task(reply({"a": job_message(dialect, "b")}, {"a": [slice_message(dialect, "a", 1)]}))
    assert (list(task.jobs), [refused.slice.key for refused in task.refused]) == ([], [SliceKey("a", 1)])


@BOTH
@pytest.mark.parametrize(
    "wrong",
    [
        {"datumUri": 5},
        {"resultStorageType": "elsewhere"},
        {"resultStorageType": "pattern"},
        {"resultStorageType": "pattern", "resultStorageDetails": "http://a/", "resultStorageParams": []},
        {"cotaskCount": "1"},
    ],
)
def test_a_wrong_slice_is_given_back(dialect: Dialect, wrong: dict[str, Any]) -> None:
    slices = [slice_message(dialect, "j", 1, isEstimationSlice=True, **wrong), slice_message(dialect, "j", 2)]
    task = dialect.read_task(one_job(dialect, slices))
    assert [of.key.number for of in task.slices] == [2]
    assert [(refused.slice.key.number, refused.slice.is_estimation) for refused in task.refused] == [(1, True)]


@BOTH
@pytest.mark.parametrize("number", [None, "1", -1, 1.5, True, 2**60, [], float("inf")])
def test_slices_without_a_number_are_told_of(dialect: Dialect, number: Any) -> None:
    task = dialect.read_task(one_job(dialect, [slice_message(dialect, "j", number), slice_message(dialect, "j", 2)]))
    assert [of.key.number for of in task.slices] == [2]
    assert (task.refused, len(task.faults)) == ([], 1)


@BOTH
def test_a_slice_that_stands_there_twice_is_one(dialect: Dialect) -> None:
    task = dialect.read_task(one_job(dialect, [slice_message(dialect, "j", 1), slice_message(dialect, "j", 1)]))
    assert (len(task.slices), task.refused, len(task.faults)) == (1, [], 1)


@BOTH
def test_of_many_faults_some_are_told(dialect: Dialect) -> None:
    assert len(dialect.read_task(one_job(dialect, [None] * 1000)).faults) == 20


@BOTH
def test_what_people_see_of_a_job_moves_no_cursor(dialect: Dialect) -> None:
    public = {"name": "a\x1b[2J\u202eb" + "c" * 1000, "description": 5, "link": None, "computeGroups": []}
    job = dialect.read_task(one_job(dialect, [], public=public)).jobs["j"]
    assert job.name == "a [2J b" + "c" * 193
    assert (job.description, job.link, job.public) == ("", "", public)


@BOTH
def test_storage_elsewhere(dialect: Dialect) -> None:
    details = {"resultStorageDetails": "http://a/1", "resultStorageParams": {"x": 1}}
    message = slice_message(dialect, "j", 1, resultStorageType="pattern", **details)
    assert dialect.read_task(one_job(dialect, [message])).slices[0].storage == Storage("http://a/1", {"x": 1})


def test_needs_of_dialect_4() -> None:
    requirements = {"environment": {"webgpu": True, "fdlibm": 1}, "engine": {"es7": True}, "discrete": True}
    job = V4.read_task(one_job(V4, [], requirements=requirements | {"useStrict": True})).jobs["j"]
    assert job.needs == Capability.WEBGPU | Capability.FDLIBM
    assert (job.is_discrete, job.use_strict, job.uses_gpu) == (True, True, True)


def test_needs_of_dialect_5() -> None:
    job = V5.read_task(one_job(V5, [], needCapabilities=96, discrete=True, useStrict=True)).jobs["j"]
    assert job.needs == Capability.WEBGPU | Capability.KVIN_V9
    assert (job.is_discrete, job.use_strict, job.group_job, job.group) == (True, True, "j-group", "group")


@BOTH
@pytest.mark.parametrize(
    ("told", "read"),
    [
        (None, JobMetrics()),
        ({}, JobMetrics()),
        (
            {"sliceCPUTime": 9, "sliceCPUDensity": 0.5, "sliceGPUTime": 1, "sliceGPUDensity": 0.25, "measuredSlices": 3,
             "lastSliceNumber": 7},
            JobMetrics(9, 1, 0.5, 0.25, 3, 7),
        ),
        ({"sliceCPUTime": -1, "sliceCPUDensity": 0.5}, JobMetrics(1, 0, 0.5, 0)),
        ({"sliceCPUTime": 1, "sliceCPUDensity": 2, "measuredSlices": "3"}, JobMetrics(1, 0, 0.5, 0)),
        ({"sliceGPUTime": "1"}, JobMetrics(0, 1, 0, 0.5)),
    ],
)  # fmt: skip
def test_metrics_of_jobs(dialect: Dialect, told: Any, read: JobMetrics) -> None:
    assert dialect.read_task(one_job(dialect, [], metrics=told)).jobs["j"].metrics == read


@BOTH
def test_a_job_at_hand_needs_no_code_again(dialect: Dialect) -> None:
    known = dialect.read_task(one_job(dialect, [], public={"name": "n"})).jobs
    again = {dialect.names.job: "j", "almostDone": True, "metrics": {"sliceCPUTime": 5, "sliceCPUDensity": 1}}
    job = dialect.read_task(reply({"j": again}, {"j": []}), known).jobs["j"]
    assert (job.code, job.name, job.is_almost_done, job.metrics.cpu_time) == ("data:,x=>x", "n", True, 5)
    assert list(dialect.read_task(reply({"j": again}, {"j": []})).jobs) == []


@BOTH
def test_rules_of_the_scheduler(dialect: Dialect) -> None:
    shared = {"frequencyMs": 60_000, "useLifetimeAnalysis": True, "slice": {"sigmas": 3, "multiplier": 0}}
    answer = reply({}, {}, schedulerConfig={"shared": shared, "targetTaskDuration": 90})
    rules = dialect.read_task(answer).rules
    assert rules == SchedulerRules(90, 60, Lifetimes(True, 1, 1.5, 3, 120_000))
    assert dialect.read_task(reply({}, {})).rules is None
    assert len(dialect.read_task(reply({}, {}, schedulerConfig=[])).faults) == 1


def test_origins_of_compute_groups() -> None:
    answer = reply({}, {}, computeGroupOrigins={"g": {"fetchData": ["http://a"]}, "h": 5}, pendingNotifications=2)
    task = V5.read_task(answer)
    assert (task.origins, task.has_notifications) == ({"g": {"fetchData": ("http://a",)}}, True)
    wrong = V5.read_task(reply({}, {}, computeGroupOrigins={"g": {"fetchData": "http://a"}}))
    assert (wrong.origins, len(wrong.faults)) == ({}, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers(-5, 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = (
    "codeLocation", "argumentsLocation", "mro", "MROLocation", "dependencies", "modulePath", "requirements", "metrics",
    "needCapabilities", "worktime", "public", "jobCgId", "almostDone",
)  # fmt: skip
OF_SLICES = (
    "sliceNumber", "datumUri", "resultStorageType", "resultStorageDetails", "resultStorageParams", "isLongSlice",
    "cotaskCount",
)  # fmt: skip


@BOTH
@given(
    job=st.dictionaries(st.sampled_from(MEMBERS), JSON),
    slices=JSON | st.lists(st.dictionaries(st.sampled_from(OF_SLICES), JSON), max_size=3),
    body=st.dictionaries(st.sampled_from(["schedulerConfig", "computeGroupOrigins"]), JSON),
)
def test_anything_is_read_or_refused(dialect: Dialect, job: dict[str, Any], slices: Any, body: dict[str, Any]) -> None:
    if isinstance(slices, list):
        slices = [{**one, dialect.names.slice_job: "j"} if isinstance(one, dict) else one for one in slices]
    good = {"g": job_message(dialect, "g")}
    answer = reply(
        {"j": job_message(dialect, "j", **job), **good}, {"j": slices, "g": [slice_message(dialect, "g", 1)]}, **body
    )
    task = dialect.read_task(answer)
    assert "g" in task.jobs
    assert SliceKey("g", 1) in [of.key for of in task.slices]
    assert all(of.key.job in task.jobs for of in task.slices)
    assert not {of.key for of in task.slices} & {refused.slice.key for refused in task.refused}
