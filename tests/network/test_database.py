"""The database: many operations in one transaction, each on its own; files for what is large; migrations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Integer, String, insert, select

from dcp_scheduler.errors import SchedulerError
from dcp_scheduler.store.database import Database
from dcp_scheduler.store.folder import FolderContents
from dcp_scheduler.store.schema import TextType, Whole, accounts, metadata
from dcp_scheduler.store.transaction import Transaction

pytestmark = pytest.mark.any_engine

Opened = Callable[[], Database]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Callable[[], Database]:
    return lambda: Database(database_url, tmp_path / "contents")


def add(address: str, *, fails: bool = False) -> Callable[[Transaction], str]:
    def operation(transaction: Transaction) -> str:
        transaction.connection.execute(insert(accounts).values(address=address, balance=1))
        if fails:
            raise KeyError(address)
        return address

    return operation


def addresses(connection: Any) -> list[str]:
    return sorted(connection.execute(select(accounts.c.address)).scalars())


def test_what_fails_is_undone_and_nothing_else(opened: Opened, run) -> None:
    async def main() -> None:
        database = opened()
        try:
            asked = [database.write(add(f"a{n:02}", fails=n % 3 == 0)) for n in range(30)]
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
            assert [isinstance(each, KeyError) for each in outcomes] == [n % 3 == 0 for n in range(30)]
            assert await database.read(addresses) == [f"a{n:02}" for n in range(30) if n % 3]
        finally:
            database.close()
        database = opened()  # again, as it was
        assert await database.read(addresses) == [f"a{n:02}" for n in range(30) if n % 3]
        database.close()

    run(main())


def test_migrations_make_what_the_schema_says(opened: Opened, run) -> None:
    async def main() -> None:
        database = opened()

        def differences(connection: Any) -> list[Any]:
            return list(compare_metadata(MigrationContext.configure(connection), metadata))

        assert await database.read(differences) == []
        database.close()

    run(main())


def test_columns_take_what_peers_send(opened: Opened, run) -> None:
    """Whole numbers have 64 bits on PostgreSQL, where Integer has 32; texts are rid of what databases refuse."""
    columns = [column for table in metadata.tables.values() for column in table.columns]
    narrow = [column for column in columns if isinstance(column.type, Integer) and column.type is not Whole]
    assert [str(column) for column in narrow] == []
    bare = [column for column in columns if isinstance(column.type, String)]
    assert [f"{column}: TextType(...) instead" for column in bare] == []
    assert all(isinstance(column.type, TextType) for column in columns if column.name in ("name", "reason", "worker"))

    async def main() -> None:
        database = opened()
        try:
            await database.write(add("a\0\ud800b"))
            assert await database.read(addresses) == ["a\ufffd\ufffdb"]
            named = select(accounts.c.balance).where(accounts.c.address == "a\udfff\0b")
            assert await database.read(lambda connection: connection.execute(named).scalar()) == 1
        finally:
            database.close()

    run(main())


def test_a_database_of_a_newer_program_is_left_alone(opened: Opened) -> None:
    database = opened()
    with database._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(SchedulerError, match="is of a newer dcp-scheduler"):
        opened()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("no database at all, but long enough to look like one" * 100)
    with pytest.raises(SchedulerError, match="cannot be opened"):
        Database(f"sqlite:///{tmp_path / 'a.db'}", tmp_path / "contents")


def test_contents_are_named_for_what_is_in_them(tmp_path: Path) -> None:
    contents = FolderContents(tmp_path / "contents")
    name = contents.put(b"0123456789")
    assert contents.put(b"0123456789") == name
    assert (contents.get(name), contents.pieces(name, [(3, 4), (0, 1)])) == (b"0123456789", [b"3456", b"0"])
    assert sum(path.is_file() for path in (tmp_path / "contents").rglob("*")) == 1
    for foreign in ("../a", "0" * 63, "", "G" * 64):
        with pytest.raises(FileNotFoundError):
            contents.get(foreign)
