"""The tables. Migrations make them (``migrations``); a test holds both against each other."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

Whole = BigInteger().with_variant(Integer(), "sqlite")
"""Of 64 bits everywhere: what peers send goes to 2**53, payments beyond 2**31. SQLite numbers rows by INTEGER only."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class TextType(TypeDecorator[str]):
    """A text. What databases refuse of Unicode, NUL and lone surrogates, becomes U+FFFD: peers may send anything."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return _UNSTORABLE.sub("\ufffd", value) if value else value


class AmountType(TypeDecorator[int]):
    """attoDCC as int: NUMERIC where there is one that is exact, text in SQLite."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(String(40) if dialect.name == "sqlite" else Numeric(40, 0))

    def process_bind_param(self, value: int | None, dialect: Any) -> Any:
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Any) -> int | None:
        return None if value is None else int(value)


metadata = MetaData()

jobs = Table(
    "jobs",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("id", TextType(64), nullable=False, unique=True),  # the client's, its name in dialect 5
    Column("address", TextType(42), nullable=False, unique=True),  # its name in dialect 4
    Column("owner", TextType(42), nullable=False, index=True),
    Column("payer", TextType(42), nullable=False, index=True),
    Column("dialect", Whole, nullable=False),
    Column("name", TextType(255), nullable=False),
    Column("submission", TextType(64), nullable=False),  # hash of its content
    Column("status", TextType(16), nullable=False, index=True),
    Column("is_open", Boolean, nullable=False),
    Column("local", Boolean, nullable=False),
    Column("needs", Whole, nullable=False),
    Column("priority", Whole, nullable=False),  # among its owner's
    Column("copies", Whole, nullable=False),  # of each slice, by workers of different owners
    Column("worktime", TextType(64), nullable=False),
    Column("worktime_range", TextType(64), nullable=False),
    Column("discrete", Boolean, nullable=False),
    Column("price", AmountType, nullable=False),
    Column("factor", Double, nullable=False),
    Column("total", Whole, nullable=False),  # slices that there are
    Column("next", Whole, nullable=False),  # the first that nobody has had
    Column("waiting", Whole, nullable=False),  # that somebody has had, and nobody has
    Column("out", Whole, nullable=False),
    Column("done", Whole, nullable=False),
    Column("estimation", Whole, nullable=False),
    Column("cpu", Double, nullable=False),  # sums over results
    Column("gpu", Double, nullable=False),
    Column("cpu_density", Double, nullable=False),
    Column("gpu_density", Double, nullable=False),
    Column("size_in", Double, nullable=False),
    Column("size_out", Double, nullable=False),
    Column("failures", Whole, nullable=False),
    Column("created", Double, nullable=False),
    Column("served", Double, nullable=False),
    Column("ended", Double),
    Column("code", TextType(64)),  # why it was cancelled
    Column("reason", TextType),
    Column("error", TextType),
)

piles = Table(
    "piles",
    metadata,
    Column("job", Whole, ForeignKey("jobs.number"), primary_key=True),
    Column("first", Whole, primary_key=True),
    Column("count", Whole, nullable=False),
    Column("content", TextType(64), nullable=False),
    Column("message", TextType(64)),  # hash of the id of that which brought it
    UniqueConstraint("job", "message", name="added_once"),
)

slices = Table(
    "slices",
    metadata,
    Column("job", Whole, ForeignKey("jobs.number"), primary_key=True),
    Column("number", Whole, primary_key=True),
    Column("status", TextType(8), nullable=False),
    Column("sequence", Whole),  # of its result among the job's
    Column("content", TextType(64)),
    Column("offset", Whole),
    Column("length", Whole),
    Column("paid", AmountType),
    Index("slices_by_sequence", "job", "sequence"),
    Index("slices_by_status", "job", "status"),
    sqlite_with_rowid=False,
)

hand_outs = Table(
    "hand_outs",
    metadata,
    Column("job", Whole, primary_key=True),
    Column("number", Whole, primary_key=True),
    Column("worker", TextType(64), primary_key=True),
    Column("owner", TextType(42), nullable=False),
    Column("seen", Double, nullable=False),
    Column("late_at", Double, nullable=False),  # of all who have the slice: copies go out then
    Index("hand_outs_by_worker", "worker"),
    Index("hand_outs_by_time", "seen"),
    Index("hand_outs_by_lateness", "late_at"),
    sqlite_with_rowid=False,
)

blames = Table(  # failures of slices that say something of their job, by who says so
    "blames",
    metadata,
    Column("job", Whole, ForeignKey("jobs.number"), primary_key=True),
    Column("number", Whole, primary_key=True),
    Column("owner", TextType(42), primary_key=True),
    Column("place", TextType(64), primary_key=True),
    Column("count", Whole, nullable=False),
    Column("since", Double, nullable=False),
    sqlite_with_rowid=False,
)

votes = Table(  # results of slices of which there are several
    "votes",
    metadata,
    Column("job", Whole, ForeignKey("jobs.number"), primary_key=True),
    Column("number", Whole, primary_key=True),
    Column("worker", TextType(64), primary_key=True),
    Column("owner", TextType(42), primary_key=True),
    Column("payee", TextType(42), nullable=False),
    Column("kind", TextType(64), nullable=False),  # equal of those that agree
    Column("content", TextType(64), nullable=False),  # empty where nothing is compared with it
    Column("worth", AmountType, nullable=False),
    Column("at", Double, nullable=False),
    Column("status", TextType(8), nullable=False),
    Index("votes_by_owner", "owner", "worker"),
    sqlite_with_rowid=False,
)

groups = Table(
    "groups",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("id", TextType(64), nullable=False, unique=True),
    Column("join_key", TextType(255), unique=True),
    Column("join_hash", TextType(80)),
    Column("owner", TextType(42), nullable=False),
    Column("name", TextType(255), nullable=False),
    Column("description", TextType, nullable=False),
    Column("properties", TextType, nullable=False),
)

job_groups = Table(
    "job_groups",
    metadata,
    Column("job", Whole, ForeignKey("jobs.number"), primary_key=True),
    Column("group", Whole, ForeignKey("groups.number"), primary_key=True),
    Index("job_groups_by_group", "group"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("address", TextType(42), primary_key=True),
    Column("balance", AmountType, nullable=False),
)

transfers = Table(
    "transfers",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("at", Double, nullable=False),
    Column("source", TextType(42), nullable=False),
    Column("target", TextType(42), nullable=False),
    Column("amount", AmountType, nullable=False),
    Column("kind", TextType(16), nullable=False),
    Column("job", Whole),
    Column("slice", Whole),
    UniqueConstraint("job", "slice", "kind", name="paid_once"),
    Index("transfers_by_source", "source", "number"),
    Index("transfers_by_target", "target", "number"),
)

events = Table(  # of workers, for clients that are connected to another process
    "events",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("at", Double, nullable=False),
    Column("process", TextType(16), nullable=False),  # that has told its own clients
    Column("job", Whole, nullable=False),
    Column("label", TextType(16), nullable=False),
    Column("data", TextType, nullable=False),  # JSON
    Index("events_by_time", "at"),
)

listeners = Table(  # jobs that clients of a process listen to
    "listeners",
    metadata,
    Column("job", Whole, primary_key=True),
    Column("process", TextType(16), primary_key=True),
    Column("seen", Double, nullable=False),
    Index("listeners_by_process", "process"),
    sqlite_with_rowid=False,
)

deposit_keys = Table(  # deposits that are made once, however often they are asked for
    "deposit_keys",
    metadata,
    Column("key", TextType(255), primary_key=True),
    Column("target", TextType(42), nullable=False),
    Column("amount", AmountType, nullable=False),
    Column("at", Double, nullable=False),
)

stamps = Table(  # of orders from the portal, which are obeyed once
    "stamps",
    metadata,
    Column("stamp", TextType(64), primary_key=True),
    Column("until", Double, nullable=False),
    Index("stamps_by_time", "until"),
    sqlite_with_rowid=False,
)

workers = Table(  # that have asked for work
    "workers",
    metadata,
    Column("id", TextType(64), primary_key=True),
    Column("owner", TextType(42), primary_key=True),
    Column("payee", TextType(42), nullable=False),
    Column("place", TextType(64), nullable=False),  # its address, as limits count it
    Column("dialect", Whole, nullable=False),
    Column("results", Whole, nullable=False),  # that were taken
    Column("seen", Double, nullable=False),
    Index("workers_by_time", "seen"),
    sqlite_with_rowid=False,
)

bans = Table(  # owners whose workers get nothing
    "bans",
    metadata,
    Column("owner", TextType(42), primary_key=True),
    Column("reason", TextType(200), nullable=False),
    Column("at", Double, nullable=False),
)

deployments = Table(  # what jobs are counted by
    "deployments",
    metadata,
    Column("job", Whole, ForeignKey("jobs.number"), primary_key=True),
    Column("place", TextType(64), nullable=False, index=True),  # its client's address
    Column("bytes", Whole, nullable=False),
    Column("amount", Whole, nullable=False),  # slices whose data came by value
    Column("pays", Boolean, nullable=False),
)

packages = Table(
    "packages",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("name", TextType(128), nullable=False, unique=True),
    Column("owner", TextType(42), nullable=False, index=True),  # empty where everybody may publish it
)

package_versions = Table(
    "package_versions",
    metadata,
    Column("package", Whole, ForeignKey("packages.number"), primary_key=True),
    Column("version", TextType(64), primary_key=True),
    Column("published", Double, nullable=False),
)

package_files = Table(
    "package_files",
    metadata,
    Column("package", Whole, ForeignKey("packages.number"), primary_key=True),
    Column("version", TextType(64), primary_key=True),
    Column("name", TextType(200), primary_key=True),
    Column("content", TextType(64), nullable=False, index=True),
    Column("size", Whole, nullable=False),  # bytes
    Column("needs", TextType, nullable=False),  # modules, as JSON
)
