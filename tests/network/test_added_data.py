"""Data that are added come once, whatever happens to the answer, and only to jobs that take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from strangers import deployed, peer

from dcp_protocol import kvin
from dcp_protocol.connection.machine import Machine
from dcp_protocol.errors import RemoteError
from dcp_scheduler.jobs import deployment
from dcp_scheduler.model.limits import Limits
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.server.server import Server
from dcp_scheduler.store.schema import deployments

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]


def test_a_message_that_is_sent_again_adds_nothing(run, tmp_path: Path) -> None:
    """With the id that it had, and another between: the protocol takes one of the same id as the last for that one."""

    async def main() -> None:
        limits = Limits(values_per_identity=3)
        async with Server(tmp_path, limits=limits) as server, peer(server) as owner:
            job = await deployed(owner, None)
            message = {"job": job, "dataValues": kvin.marshal([7, 7], 9)}
            ids, new_id = iter(["first", "between", "first", "other"]), Machine._new_id
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Machine, "_new_id", lambda each: next(ids) if each is owner._machine else new_id(each))
                assert (await owner.request("addSliceData", message))["lastSliceNumber"] == 2
                await owner.request("countJobs", {})
                assert (await owner.request("addSliceData", {**message, "again": 1}))["lastSliceNumber"] == 2
                with pytest.raises(RemoteError, match="slices of deployed data"):
                    await owner.request("addSliceData", message)
            report = await owner.request("fetchJobReport", {"job": job})
            amount = await server.database.read(lambda each: each.execute(select(deployments.c.amount)).scalar_one())
            assert (report["totalSlices"], amount) == (2, 2)

    run(main())


@pytest.mark.parametrize(
    "inputs",
    [
        {"dataRange": {"start": 1, "end": 3, "step": 1}},
        {"dataPattern": "https://example.org/{slice}.json", "sliceCount": 3},
    ],
)
def test_a_job_of_a_range_or_a_pattern_takes_no_other_data(run, tmp_path: Path, inputs: dict[str, Any]) -> None:
    async def main() -> None:
        async with Server(tmp_path) as server, peer(server) as owner:
            job = await deployed(owner, None, isOpen=True, **inputs)
            with pytest.raises(RemoteError, match="it takes no others") as refused:
                await owner.request("addSliceData", {"job": job, "dataValues": kvin.marshal([4], 9)})
            assert refused.value.code == "EINVAL"
            report = await owner.request("fetchJobReport", {"job": job})
            assert report["totalSlices"] == 3

    run(main())


def test_the_same_data_in_another_message_are_more(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path) as server, peer(server) as owner:
            job = await deployed(owner, None, isOpen=True)
            for total in (2, 4, 6):
                told = await owner.request("addSliceData", {"job": job, "dataValues": kvin.marshal([1, 1], 9)})
                assert told["lastSliceNumber"] == total

    run(main())


def test_a_message_is_known_after_the_job_was_closed(desk) -> None:
    submission = Submission(
        id="j" * 22, dialect=5, owner="0xclient", payer="0xclient", code="data:,", arguments=[],
        worktime=Worktime("map-basic", "^1.0.0"), offer=Offer(),
    )  # fmt: skip
    job = deployment.submit(desk.transaction(), submission)
    assert deployment.added(desk.connection, job, "a") is None
    assert deployment.add_data(desk.transaction(), job.id, job.owner, ["data:,1"] * 2, "a") == 2
    assert deployment.add_data(desk.transaction(), job.id, job.owner, ["data:,1"] * 3, "b") == 5
    deployment.close(desk.transaction(), job.id, job.owner)
    assert [deployment.added(desk.connection, job, message) for message in "abc"] == [2, 5, None]
