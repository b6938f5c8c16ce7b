"""What one worker, one owner or one address says ends nobody's job, and takes nobody's slices."""

from __future__ import annotations

from collections import Counter

import pytest
from desks import Desk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from strangers import deployed, peer, taken, worker

from dcp_scheduler.jobs.status import JobStatus
from dcp_scheduler.model.limits import Limits
from dcp_scheduler.model.submission import Worktime
from dcp_scheduler.scheduling import failures
from dcp_scheduler.scheduling.allotment import MOST_SLICES
from dcp_scheduler.scheduling.failures import ENOUGH, Failed, Needed, Present, Witness
from dcp_scheduler.scheduling.trust import ALIVE
from dcp_scheduler.scheduling.windows import Windows
from dcp_scheduler.server.server import Server

pytestmark = pytest.mark.any_engine

FAULT = "ENOPROGRESS"
OFTEN = 3 * failures.MOST_OF_SLICE
HERE, THERE, ELSEWHERE = "192.0.2.1", "192.0.2.2", "2001:db8::/64"


def fail(desk: Desk, worker: str, job: int, place: str = "", **asked: object) -> None:
    """The worker fails the job's first slice, if it gets that."""
    for of, number in desk.ask(worker, place=place, room=2.0, long_slices=2, **asked):
        desk.give_back(worker, of, number, reason=FAULT if of == job else "repoMan", place=place)


def work(desk: Desk, *workers: str, place: str = "") -> None:
    """Each has a result."""
    for name in workers:
        desk.deploy(1)
        desk.answer(name, *desk.ask(name, place=place)[0])
        desk.ask(name, room=0.0, place=place)


def test_a_worker_alone_ends_no_job(run, tmp_path) -> None:
    async def main() -> None:
        async with (
            Server(tmp_path) as server, peer(server) as client, worker(server, "g") as good,
            worker(server, "b") as bad,
        ):  # fmt: skip
            await good.request_task()
            job = await deployed(client, 2)
            for number in range(OFTEN):
                bad.id = f"bad{number:019}"  # as it likes
                slices, authorization = await taken(bad)
                assert slices == [(job, 1)]
                await bad.tell(job, 1, authorization, status="return", reason=FAULT)
            for number in (1, 2):
                slices, authorization = await taken(good)
                assert slices == [(job, number)]
                await good.submit(job, number, authorization, 1)
            report = await client.request("fetchJobReport", {"job": job})
            assert report["status"] == "finished"

    run(main())


def test_many_owners_at_one_address_end_no_job(desk: Desk) -> None:
    job = desk.deploy(1)
    desk.ask("good", room=0.0, place=THERE)
    for number in range(OFTEN):
        fail(desk, f"bad{number}", job, HERE)
    assert desk.job(job).status == JobStatus.RUNNING
    for number in range(OFTEN):
        fail(desk, f"v6-{number}", job, THERE)
    assert desk.job(job).code == FAULT  # of all addresses that there are


def test_where_there_are_no_addresses_owners_count(desk: Desk) -> None:
    """Behind a proxy on this machine, say."""
    job = desk.deploy(1)
    for name in ("a", "b", "c"):
        desk.ask(name, room=0.0)
    for _ in range(8):
        fail(desk, "a", job)
        desk.now += 61
    assert desk.job(job).failures == 8
    assert desk.job(job).status == JobStatus.RUNNING
    for name in ("b", "c"):
        for _ in range(2):
            fail(desk, name, job)
            desk.now += 61
    assert desk.job(job).code == FAULT


def test_newcomers_say_nothing_where_others_have_had_results(desk: Desk) -> None:
    work(desk, "a", "b", "c")
    job = desk.deploy(1)
    for number in range(OFTEN):
        fail(desk, f"new{number}", job, f"192.0.2.{number}")
    assert (desk.job(job).status, desk.job(job).failures) == (JobStatus.RUNNING, 0)
    for _ in range(2):
        for name in ("a", "b", "c"):
            fail(desk, name, job)
        desk.now += 61
    assert desk.job(job).code == FAULT


def test_a_job_that_suits_one_worker_alone_ends_when_others_had_the_time(desk: Desk) -> None:
    job = desk.deploy(1, worktime=Worktime("rare", "^1.0.0"))
    desk.ask("other", room=0.0)
    ended = None
    for _ in range(OFTEN):
        fail(desk, "alone", job, worktimes={"rare": ["1.0.0"]})
        if desk.job(job).code and ended is None:
            ended = desk.now
        desk.now += 61
        desk.ask("other")
    assert desk.job(job).code == FAULT
    assert ended is not None and ended > 1000 + ALIVE


def test_one_owner_does_not_end_a_large_job(desk: Desk) -> None:
    job = desk.deploy(300)
    for name, place in (("good", HERE), ("better", THERE)):
        desk.ask(name, room=0.0, place=place)
    for number in range(1, 200):
        worker_id = f"bad{number}"
        for of, one in desk.ask(worker_id, owner="0xbad", place=ELSEWHERE):
            desk.give_back(worker_id, of, one, reason=FAULT, place=ELSEWHERE, owner="0xbad")
    assert desk.job(job).failures > failures.MOST_OF_JOB
    assert desk.job(job).status == JobStatus.RUNNING


FAILED = st.lists(st.builds(Failed, st.sampled_from("ab"), st.sampled_from("xy"), st.integers(1, 500)))


@given(FAILED, st.integers(failures.MOST_OF_SLICE, 200))
def test_fewer_than_are_needed_are_never_enough(failed: list[Failed], most: int) -> None:
    assert failures.counted(failed, Needed(owners=3), most) < most
    assert failures.counted(failed, Needed(places=3), most) < most
    alone = [each for each in failed if each.owner == "a"]
    assert failures.counted(alone, Needed(owners=2), most) < most
    assert failures.counted(failed, Needed(), most) >= min(most, sum(each.count for each in failed))


@given(st.frozensets(st.sampled_from("abcd")), st.frozensets(st.sampled_from("abcd")), st.booleans())
def test_no_more_are_needed_than_there_are(owners: frozenset[str], good: frozenset[str], has_results: bool) -> None:
    needed = failures.needed(Present(owners | good, frozenset()), Present(good), Witness("a", "", has_results))
    if needed is None:
        assert len(good) >= ENOUGH and not has_results
    else:
        assert needed.owners == min(
            ENOUGH, len((good if len(good | {"a"}) >= ENOUGH and has_results else owners | good) | {"a"})
        )


def test_who_only_asks_gets_no_more_than_its_share(run, tmp_path) -> None:
    """Whatever it calls itself. Another gets slices meanwhile, and so does who gives some back."""

    async def main() -> None:
        limits = Limits(slices_out_per_identity=4)
        async with (
            Server(tmp_path, limits=limits) as server, peer(server) as client, worker(server, "g") as good,
            worker(server, "b") as bad,
        ):  # fmt: skip
            await deployed(client, 30, estimationSlices=0)
            hoard, asked = [], {"targetLoad": {"cpu": 1024, "gpu": 0, "longSlices": 1024}}
            for number in range(10):
                bad.id = f"bad{number:019}"
                hoard += (await taken(bad, **asked))[0]
            assert len(hoard) == 4
            assert len((await taken(good))[0]) == 1
            bad.id = f"bad{0:019}"
            assert (await taken(bad, **asked))[0] == []
            assert (await taken(bad, returnAllSlices=bad.sealed(), **asked))[0] != []

    run(main())


def test_results_make_room(desk: Desk) -> None:
    desk.deploy(10_000)
    had: list[tuple[int, int]] = []
    while more := desk.ask("w", room=1024.0, long_slices=1024):
        had += more
    assert len(had) == 1000
    for job, number in had:
        desk.answer("w", job, number)
    assert len(desk.ask("w", room=1024.0)) == MOST_SLICES
    while more := desk.ask("w", room=1024.0):
        had += more
    assert 2400 < len(had) <= 3000


OWNERS, PLACES = st.sampled_from("abc"), st.sampled_from(["", "x", "y"])


class WindowsMachine(RuleBasedStateMachine):
    """Against what is out, as the tables have it. An owner is at one place at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.windows, self.now = Windows(5, 8), 0.0
        self.out: Counter[str] = Counter()
        self.results: Counter[str] = Counter()
        self.places: dict[str, str] = {}

    @rule(owner=OWNERS, place=PLACES, wanted=st.integers(0, 10))
    def ask(self, owner: str, place: str, wanted: int) -> None:
        given = min(wanted, self.windows.room(owner, place, self.now))
        self.places[owner] = place
        self.windows.given(owner, given)
        self.out[owner] += given
        assert self.out[owner] <= 5 + self.results[owner] or not given
        if place and given:
            there = [each for each, at in self.places.items() if at == place]
            assert sum(self.out[each] for each in there) <= 8 + sum(self.results.values())

    @rule(owner=OWNERS, is_result=st.booleans(), after=st.floats(0, 100))
    def give_back(self, owner: str, is_result: bool, after: float) -> None:
        self.now += after
        if not self.out[owner]:
            return
        self.out[owner] -= 1
        if is_result:
            self.results[owner] += 1
            self.windows.delivered(owner, self.now)
        else:
            self.windows.returned(owner, 1)

    @rule(owner=OWNERS)
    def lose_silently(self, owner: str) -> None:
        self.out[owner] = 0
        self.windows.correct(self.out)
        assert self.windows.room(owner, "", self.now) >= 5
        self.places[owner] = ""


TestWindows = WindowsMachine.TestCase
TestWindows.settings = settings(max_examples=50, stateful_step_count=30)


def test_what_nobody_speaks_of_any_more_leaves_the_window() -> None:
    windows = Windows(5, 5)
    assert windows.room("a", "x", 0.0) == 5
    windows.given("a", 5)
    assert (windows.room("a", "x", 0.0), windows.room("b", "x", 0.0), windows.room("b", "", 0.0)) == (0, 0, 5)
    windows.correct({"a": 2})
    assert (windows.room("a", "x", 0.0), windows.room("b", "x", 0.0)) == (3, 3)
    windows.delivered("a", 0.0)
    assert [windows.room("a", "x", at) for at in (0.0, 6000.0)] == [5, 4]
