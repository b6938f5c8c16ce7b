"""The tables. Migrations make them (``migrations``); a test holds both against each other."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
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
    Text,
    TypeDecorator,
    UniqueConstraint,
)


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
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),  # the client's, its name in dialect 5
    Column("address", String(42), nullable=False, unique=True),  # its name in dialect 4
    Column("owner", String(42), nullable=False, index=True),
    Column("payer", String(42), nullable=False),
    Column("dialect", Integer, nullable=False),
    Column("name", String(255), nullable=False),
    Column("submission", String(64), nullable=False),  # hash of its content
    Column("status", String(16), nullable=False, index=True),
    Column("is_open", Boolean, nullable=False),
    Column("local", Boolean, nullable=False),
    Column("needs", Integer, nullable=False),
    Column("worktime", String(64), nullable=False),
    Column("worktime_range", String(64), nullable=False),
    Column("discrete", Boolean, nullable=False),
    Column("price", AmountType, nullable=False),
    Column("factor", Double, nullable=False),
    Column("total", Integer, nullable=False),  # slices that there are
    Column("next", Integer, nullable=False),  # the first that nobody has had
    Column("waiting", Integer, nullable=False),  # that somebody has had, and nobody has
    Column("out", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("estimation", Integer, nullable=False),
    Column("cpu", Double, nullable=False),  # sums over results
    Column("gpu", Double, nullable=False),
    Column("cpu_density", Double, nullable=False),
    Column("gpu_density", Double, nullable=False),
    Column("size_in", Double, nullable=False),
    Column("size_out", Double, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("created", Double, nullable=False),
    Column("served", Double, nullable=False),
    Column("ended", Double),
    Column("code", String(64)),  # why it was cancelled
    Column("reason", Text),
    Column("error", Text),
)

piles = Table(
    "piles",
    metadata,
    Column("job", Integer, ForeignKey("jobs.number"), primary_key=True),
    Column("first", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("content", String(64), nullable=False),
)

slices = Table(
    "slices",
    metadata,
    Column("job", Integer, ForeignKey("jobs.number"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("status", String(8), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("sequence", Integer),  # of its result among the job's
    Column("content", String(64)),
    Column("offset", Integer),
    Column("length", Integer),
    Column("paid", AmountType),
    Index("slices_by_sequence", "job", "sequence"),
    Index("slices_by_status", "job", "status"),
    sqlite_with_rowid=False,
)

hand_outs = Table(
    "hand_outs",
    metadata,
    Column("job", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("worker", String(64), primary_key=True),
    Column("owner", String(42), nullable=False),
    Column("reserved", AmountType, nullable=False),
    Column("seen", Double, nullable=False),
    Index("hand_outs_by_worker", "worker"),
    Index("hand_outs_by_time", "seen"),
    sqlite_with_rowid=False,
)

groups = Table(
    "groups",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("join_key", String(255), unique=True),
    Column("join_hash", String(80)),
    Column("owner", String(42), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("properties", Text, nullable=False),
)

job_groups = Table(
    "job_groups",
    metadata,
    Column("job", Integer, ForeignKey("jobs.number"), primary_key=True),
    Column("group", Integer, ForeignKey("groups.number"), primary_key=True),
)

accounts = Table(
    "accounts",
    metadata,
    Column("address", String(42), primary_key=True),
    Column("balance", AmountType, nullable=False),
)

transfers = Table(
    "transfers",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("source", String(42), nullable=False, index=True),
    Column("target", String(42), nullable=False, index=True),
    Column("amount", AmountType, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("job", Integer),
    Column("slice", Integer),
    UniqueConstraint("job", "slice", "kind", name="paid_once"),
)
