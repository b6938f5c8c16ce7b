"""What the operator's commands ask of the tables, on each database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bookkeeping import PAYER, keep_books

from dcp_scheduler.administration.office import Office
from dcp_scheduler.administration.operations import OPERATIONS, perform
from dcp_scheduler.observation import gauges
from dcp_scheduler.store.database import Database

pytestmark = pytest.mark.any_engine


def test_each_operation_is_answered(run, tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        database = Database(database_url, tmp_path / "contents")
        try:
            await database.write(keep_books)
            office = Office(database)

            async def told(name: str, **parameters: Any) -> Any:
                return await perform(office, name, parameters)

            for name in OPERATIONS:
                if name.endswith(".list"):
                    found = await told(name)
                    assert isinstance(found["packages"] if name == "package.list" else found, list)
            for job in await told("job.list"):
                assert await told("job.show", job=job["job"])
            assert await told("account.show", address=PAYER)
            assert await told("statement", address=PAYER)
            found = await told("audit")
            assert found["ok"], found["wrong"]
            assert await database.read(gauges._read)
        finally:
            database.close()

    run(main())
