"""Money: whatever is tried, nothing is lost or made, nobody owes, and each slice is paid once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine

from dcp_scheduler.errors import RefusedError
from dcp_scheduler.ledger import ledger
from dcp_scheduler.store import amount
from dcp_scheduler.store.backends import backend_of
from dcp_scheduler.store.folder import FolderContents
from dcp_scheduler.store.schema import metadata
from dcp_scheduler.store.transaction import Transaction

pytestmark = pytest.mark.any_engine

ACCOUNTS = st.sampled_from([f"0x{letter * 40}" for letter in "abcd"])
AMOUNTS = st.integers(-1, 3 * amount.ATTO)


class Money(RuleBasedStateMachine):
    engine: Engine
    """Of a database with nothing in it; what is done there is undone at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.transaction = Transaction(self.connection, FolderContents(Path("/tmp")), 0.0)  # nothing is put there
        self.expected: dict[str, int] = {}

    @rule(address=ACCOUNTS, sum_=st.integers(1, amount.MOST))
    def deposit(self, address: str, sum_: int) -> None:
        ledger.deposit(self.transaction, address, sum_)
        self.expected[address] = self.expected.get(address, 0) + sum_

    @rule(source=ACCOUNTS, to=ACCOUNTS, sum_=AMOUNTS)
    def transfer(self, source: str, to: str, sum_: int) -> None:
        possible = sum_ == 0 or source == to or 0 < sum_ <= self.expected.get(source, 0)
        try:
            ledger.transfer(self.transaction, source, to, sum_, "transfer")
        except RefusedError:
            assert not possible
            return
        assert possible
        if source != to:
            self.expected[source] = self.expected.get(source, 0) - sum_
            self.expected[to] = self.expected.get(to, 0) + sum_

    @invariant()
    def balances_are_right(self) -> None:
        assert ledger.imbalance(self.connection) == {}
        for address, expected in self.expected.items():
            assert ledger.balance(self.connection, address) == expected >= 0

    def teardown(self) -> None:
        self.connection.close()


@pytest.fixture
def engine_with_tables(database_url: str) -> Iterator[Engine]:
    engine = backend_of(database_url).engine()
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_whatever_is_tried_nothing_is_lost_or_made(engine_with_tables: Engine) -> None:
    class Here(Money):
        engine = engine_with_tables

    run_state_machine_as_test(Here, settings=settings(max_examples=20, stateful_step_count=25))


@pytest.fixture
def transaction(engine_with_tables: Engine, tmp_path: Path) -> Iterator[Transaction]:
    with engine_with_tables.connect() as connection:
        yield Transaction(connection, FolderContents(tmp_path), 0.0)


def test_an_imbalance_is_found(transaction: Transaction) -> None:
    ledger.deposit(transaction, "0xa", 5)
    transaction.connection.exec_driver_sql("UPDATE accounts SET balance = '7' WHERE address = '0xa'")
    assert ledger.imbalance(transaction.connection) == {"0xa": 2, "": 2}


@given(st.integers(0, amount.MOST))
def test_amounts_are_exact_as_text(value: int) -> None:
    text = amount.to_text(value)
    if value < 10**12 * amount.ATTO:
        assert amount.from_text(text) == value


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0"), (1, "1"), (0.1, "0.1"), (1e-18, "0.000000000000000001"), (0.25, "0.25"), (123456789.5, "123456789.5")],
)
def test_numbers_of_json_mean_what_is_written(number: float, expected: str) -> None:
    assert amount.to_text(amount.from_number(number)) == expected


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), True, "1", None, 1e12])
def test_what_is_no_amount(wrong: object) -> None:
    with pytest.raises(ValueError, match="an amount is"):
        amount.from_number(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["", "-1", "1e3", "1.", ".5", "0.1234567890123456789", "1 ", "\uff11"])
def test_what_is_no_amount_as_text(wrong: str) -> None:
    with pytest.raises(ValueError, match="an amount is"):
        amount.from_text(wrong)
