"""Jobs, slices and money: whatever happens in whatever order, the tables say what a plain model says."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from job_model import Model, ModelJob
from sqlalchemy import create_engine, select

from dcp_scheduler.errors import RefusedError
from dcp_scheduler.jobs import acceptance, deployment, endings, handing, holdings
from dcp_scheduler.jobs.blames import Blame
from dcp_scheduler.jobs.records import Job, find
from dcp_scheduler.ledger import ledger
from dcp_scheduler.model.measured import Measured, Rates
from dcp_scheduler.model.submission import Offer, Submission, Worktime
from dcp_scheduler.model.work_request import FetchState, SliceResult, WorkRequest
from dcp_scheduler.scheduling.failures import Needed, Witness
from dcp_scheduler.store.folder import FolderContents
from dcp_scheduler.store.schema import accounts, jobs, metadata, transfers
from dcp_scheduler.store.transaction import Transaction

pytestmark = pytest.mark.any_engine

OWNER = f"0x{40 * 'e'}"
PAYERS = st.sampled_from([f"0x{40 * letter}" for letter in "ab"])
WORKERS = st.sampled_from([f"0x{40 * letter}" for letter in "12"])
REASONS = st.sampled_from(["", "EPERM_ORIGIN", "ENOPROGRESS", "EUNCAUGHT", "ESLICETOOSLOW"])
BLAMED = ("ENOPROGRESS", "EUNCAUGHT", "ESLICETOOSLOW")
SUBMISSION = Submission(
    id="", dialect=5, owner=OWNER, payer="", code="data:,x", arguments=[], worktime=Worktime("map-basic", "^1.0.0"),
    offer=Offer(),
)  # fmt: skip
REQUEST = WorkRequest(dialect=5, worker="", owner="", session="s", state=FetchState.NORMAL, room=1.0)


class Jobs(RuleBasedStateMachine):
    """A worker's id is its address too, to which it is paid."""

    names = Bundle("names")
    handed = Bundle("handed")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.connection = create_engine("sqlite://").connect()
        metadata.create_all(self.connection)
        self.transaction = Transaction(self.connection, FolderContents(Path(self.folder.name)), 0.0)
        self.model = Model()

    def teardown(self) -> None:
        assert ledger.imbalance(self.connection) == {}
        self.connection.close()
        self.folder.cleanup()

    @rule(payer=PAYERS, sum_=st.integers(1, 20))
    def deposit(self, payer: str, sum_: int) -> None:
        ledger.deposit(self.transaction, payer, sum_)
        self.model.balances[payer] += sum_

    @rule(source=st.one_of(PAYERS, WORKERS), to=PAYERS, sum_=st.integers(1, 5))
    def transfer(self, source: str, to: str, sum_: int) -> None:
        possible = source == to or sum_ <= self.model.balances[source]
        assert possible == self._obeyed(lambda: ledger.transfer(self.transaction, source, to, sum_, "transfer"))
        if possible and source != to:
            self.model.balances[source] -= sum_
            self.model.balances[to] += sum_

    @rule(
        target=names, payer=PAYERS, price=st.integers(0, 3), estimation=st.integers(-1, 3),
        count=st.one_of(st.none(), st.integers(0, 6)), is_open=st.booleans(),
    )  # fmt: skip
    def submit(self, payer: str, price: int, estimation: int, count: int | None, is_open: bool) -> str:
        """``count``: of a range; None: data come by value."""
        name = f"job{len(self.model.jobs):019}"
        submission = replace(
            SUBMISSION, id=name, payer=payer, offer=Offer(absolute=price), estimation=estimation, is_open=is_open,
            slices=count, inputs=None if count is None else {"start": 1, "end": count, "step": 1},
        )  # fmt: skip
        first = deployment.submit(self.transaction, submission)
        assert deployment.submit(self.transaction, submission).number == first.number  # again, as clients may
        self.model.submit(name, ModelJob(payer, price, count or 0, is_open or count is None, estimation))
        return name

    @rule(name=names, count=st.integers(0, 4))
    def add_data(self, name: str, count: int) -> None:
        added = self._obeyed(lambda: deployment.add_data(self.transaction, name, OWNER, count * ["data:,1"]))
        assert added == self.model.add(name, count)

    @rule(name=names)
    def close(self, name: str) -> None:
        deployment.close(self.transaction, name, OWNER)
        self.model.close(name)

    @rule(name=names)
    def another_owner(self, name: str) -> None:
        assert not self._obeyed(lambda: deployment.close(self.transaction, name, f"0x{40 * 'f'}"))

    @rule(target=handed, name=names, worker=WORKERS, count=st.integers(1, 5))
    def request(self, name: str, worker: str, count: int) -> Any:
        job = self._job(name)
        active = [each.number for each in handing.active(self.connection)]
        assert (job.number in active) == self.model.jobs[name].has_work
        if job.number not in active:
            return multiple()
        numbers = handing.hand_out(self.transaction, job, count, replace(REQUEST, worker=worker, owner=worker))
        assert numbers == self.model.hand_out(name, worker, count)
        return multiple(*((name, worker, number) for number in numbers))

    @rule(target=handed, slice_=consumes(handed), again=st.booleans())
    def result(self, slice_: tuple[str, str, int], again: bool) -> Any:
        """Where it came before, or is too late, nothing is paid."""
        self._result(*slice_)
        return multiple(slice_) if again else multiple()

    @rule(slice_=handed, worker=WORKERS)
    def result_of_anybody(self, slice_: tuple[str, str, int], worker: str) -> None:
        self._result(slice_[0], worker, slice_[2])

    @rule(slice_=handed, reason=REASONS)
    def give_back(self, slice_: tuple[str, str, int], reason: str) -> None:
        name, worker, number = slice_
        job = self._job(name)
        held = holdings.holds(self.connection, job, [number], worker, worker)
        blame = Blame(reason, Witness(worker, ""), Needed()) if reason in BLAMED else None
        handing.take_back(self.transaction, job.number, held, worker, blame)
        self.model.take_back(name, worker, [number], code=reason if reason in BLAMED else "")

    @rule(worker=WORKERS)
    def lose(self, worker: str) -> None:
        handing.take_back_all(self.transaction, worker, worker)
        self.model.lose(worker)

    @rule(name=names, kept=st.integers(0, 6), later=st.floats(1, 10))
    def silence(self, name: str, kept: int, later: float) -> None:
        """Workers tell of one job's first slices only: all others are taken from them."""
        self.transaction.now += later
        model = self.model.jobs[name]
        told = [number for number in model.out if number <= kept]
        for worker in set(model.out.values()):
            handing.keep_alive(self.transaction, self._job(name), told, worker, worker)
        handing.take_back_silent(self.transaction, later / 2)
        for other, job in self.model.jobs.items():
            for number, worker in list(job.out.items()):
                if not (other == name and number in told):
                    self.model.take_back(other, worker, [number])

    @rule(name=names)
    def cancel(self, name: str) -> None:
        endings.cancel(self.transaction, self._job(name), "ECANCELLED", "enough")
        self.model.cancel(name, "ECANCELLED")

    @invariant()
    def tables_are_right(self) -> None:
        rows = {row.id: row for row in self.connection.execute(select(jobs))}
        for name, job in self.model.jobs.items():
            row = rows[name]
            said = (row.status, row.is_open, row.total, row.next, row.waiting, row.out, row.done, row.code)
            assert said == (
                job.status, job.is_open, job.total, job.next, len(job.waiting), len(job.out), len(job.done), job.code,
            )  # fmt: skip
        balances = {row.address: row.balance for row in self.connection.execute(select(accounts))}
        for address, balance in self.model.balances.items():
            assert balances.get(address, 0) == balance >= 0
        set_aside = {rows[name].address: job.price * len(job.out) for name, job in self.model.jobs.items()}
        assert {address: balances.get(address, 0) for address in set_aside} == set_aside
        paid = select(transfers.c.job, transfers.c.slice).where(transfers.c.kind == "payment")
        expected = [(rows[name].number, number) for name, numbers in self.model.paid.items() for number in numbers]
        assert sorted(tuple(row) for row in self.connection.execute(paid)) == sorted(expected)

    def _job(self, name: str) -> Job:
        return find(self.connection, name)

    def _result(self, name: str, worker: str, number: int) -> None:
        sent = SliceResult(worker, worker, name, number, worker, f"data:application/json,{number}", Measured(1.0))
        expected = self.model.result(name, worker, number)
        (answer,) = acceptance.accept(self.transaction, [sent], Rates())
        if isinstance(answer, RefusedError):
            assert (answer.code, expected) == ("EPERM", None)
        else:
            assert answer[1] == expected

    @staticmethod
    def _obeyed(operation: Any) -> bool:
        try:
            operation()
        except RefusedError:
            return False
        return True


TestJobs = Jobs.TestCase
TestJobs.settings = settings(max_examples=20, stateful_step_count=30)


@pytest.mark.long_network
@pytest.mark.timeout(600)
class TestJobsForLong(Jobs.TestCase):  # type: ignore[misc,valid-type]
    settings = settings(max_examples=500, stateful_step_count=60)
