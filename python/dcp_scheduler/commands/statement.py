"""What has moved on an account, with what was there after each movement."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any, TextIO

from .reach import Reach
from .tables import moment, table

_COLUMNS = ("number", "time", "kind", "amount", "balance", "other", "job", "slice")
_DIGITS = 60


def fetch(reach: Reach, address: str) -> list[dict[str, Any]]:
    """Oldest first. Raises RefusedError, SchedulerError."""
    found: list[dict[str, Any]] = []
    with localcontext(prec=_DIGITS):
        balance = Decimal(0)
        while page := reach.ask("statement", {"address": address, "after": found[-1]["number"] if found else 0}):
            for row in page:
                balance += Decimal(row["amount"])
                found.append({**row, "time": moment(row.pop("at")), "balance": format(balance.normalize(), "f")})
    return found


def write_csv(found: list[dict[str, Any]], output: TextIO) -> None:
    writer = csv.DictWriter(output, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: row[name] for name in _COLUMNS} for row in found)


def report(found: list[dict[str, Any]]) -> Iterator[str]:
    columns = {"time": "TIME", "kind": "KIND", "amount": "DCC", "balance": "BALANCE", "other": "WITH", "slice": "SLICE"}
    return table(found, {**columns, "job": "JOB"})
