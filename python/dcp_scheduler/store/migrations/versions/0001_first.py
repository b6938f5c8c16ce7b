"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dcp_scheduler.store.schema import AmountType, TextType, Whole

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("address", TextType(42), nullable=False),
        sa.Column("balance", AmountType(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "groups",
        sa.Column("number", Whole, nullable=False),
        sa.Column("id", TextType(64), nullable=False),
        sa.Column("join_key", TextType(255), nullable=True),
        sa.Column("join_hash", TextType(80), nullable=True),
        sa.Column("owner", TextType(42), nullable=False),
        sa.Column("name", TextType(255), nullable=False),
        sa.Column("description", TextType(), nullable=False),
        sa.Column("properties", TextType(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("join_key"),
    )
    op.create_table(
        "hand_outs",
        sa.Column("job", Whole, nullable=False),
        sa.Column("number", Whole, nullable=False),
        sa.Column("worker", TextType(64), nullable=False),
        sa.Column("owner", TextType(42), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.Column("late_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("job", "number", "worker"),
        sqlite_with_rowid=False,
    )
    op.create_index("hand_outs_by_lateness", "hand_outs", ["late_at"], unique=False)
    op.create_index("hand_outs_by_time", "hand_outs", ["seen"], unique=False)
    op.create_index("hand_outs_by_worker", "hand_outs", ["worker"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("number", Whole, nullable=False),
        sa.Column("id", TextType(64), nullable=False),
        sa.Column("address", TextType(42), nullable=False),
        sa.Column("owner", TextType(42), nullable=False),
        sa.Column("payer", TextType(42), nullable=False),
        sa.Column("dialect", Whole, nullable=False),
        sa.Column("name", TextType(255), nullable=False),
        sa.Column("submission", TextType(64), nullable=False),
        sa.Column("status", TextType(16), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("local", sa.Boolean(), nullable=False),
        sa.Column("needs", Whole, nullable=False),
        sa.Column("priority", Whole, nullable=False),
        sa.Column("copies", Whole, nullable=False),
        sa.Column("worktime", TextType(64), nullable=False),
        sa.Column("worktime_range", TextType(64), nullable=False),
        sa.Column("discrete", sa.Boolean(), nullable=False),
        sa.Column("price", AmountType(), nullable=False),
        sa.Column("factor", sa.Double(), nullable=False),
        sa.Column("total", Whole, nullable=False),
        sa.Column("next", Whole, nullable=False),
        sa.Column("waiting", Whole, nullable=False),
        sa.Column("out", Whole, nullable=False),
        sa.Column("done", Whole, nullable=False),
        sa.Column("estimation", Whole, nullable=False),
        sa.Column("cpu", sa.Double(), nullable=False),
        sa.Column("gpu", sa.Double(), nullable=False),
        sa.Column("cpu_density", sa.Double(), nullable=False),
        sa.Column("gpu_density", sa.Double(), nullable=False),
        sa.Column("size_in", sa.Double(), nullable=False),
        sa.Column("size_out", sa.Double(), nullable=False),
        sa.Column("failures", Whole, nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("served", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("code", TextType(64), nullable=True),
        sa.Column("reason", TextType(), nullable=True),
        sa.Column("error", TextType(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("address"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(op.f("ix_jobs_owner"), "jobs", ["owner"], unique=False)
    op.create_index(op.f("ix_jobs_payer"), "jobs", ["payer"], unique=False)
    op.create_index(op.f("ix_jobs_status"), "jobs", ["status"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("number", Whole, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("source", TextType(42), nullable=False),
        sa.Column("target", TextType(42), nullable=False),
        sa.Column("amount", AmountType(), nullable=False),
        sa.Column("kind", TextType(16), nullable=False),
        sa.Column("job", Whole, nullable=True),
        sa.Column("slice", Whole, nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("job", "slice", "kind", name="paid_once"),
    )
    op.create_index("transfers_by_source", "transfers", ["source", "number"], unique=False)
    op.create_index("transfers_by_target", "transfers", ["target", "number"], unique=False)
    op.create_table(
        "job_groups",
        sa.Column("job", Whole, nullable=False),
        sa.Column("group", Whole, nullable=False),
        sa.ForeignKeyConstraint(
            ["group"],
            ["groups.number"],
        ),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.number"],
        ),
        sa.PrimaryKeyConstraint("job", "group"),
    )
    op.create_index("job_groups_by_group", "job_groups", ["group"], unique=False)
    op.create_table(
        "votes",
        sa.Column("job", Whole, nullable=False),
        sa.Column("number", Whole, nullable=False),
        sa.Column("worker", TextType(64), nullable=False),
        sa.Column("owner", TextType(42), nullable=False),
        sa.Column("payee", TextType(42), nullable=False),
        sa.Column("kind", TextType(64), nullable=False),
        sa.Column("content", TextType(64), nullable=False),
        sa.Column("worth", AmountType(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("status", TextType(8), nullable=False),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.number"],
        ),
        sa.PrimaryKeyConstraint("job", "number", "worker", "owner"),
        sqlite_with_rowid=False,
    )
    op.create_index("votes_by_owner", "votes", ["owner", "worker"], unique=False)
    op.create_table(
        "blames",
        sa.Column("job", Whole, nullable=False),
        sa.Column("number", Whole, nullable=False),
        sa.Column("owner", TextType(42), nullable=False),
        sa.Column("place", TextType(64), nullable=False),
        sa.Column("count", Whole, nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.number"],
        ),
        sa.PrimaryKeyConstraint("job", "number", "owner", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "piles",
        sa.Column("job", Whole, nullable=False),
        sa.Column("first", Whole, nullable=False),
        sa.Column("count", Whole, nullable=False),
        sa.Column("content", TextType(64), nullable=False),
        sa.Column("message", TextType(64), nullable=True),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.number"],
        ),
        sa.PrimaryKeyConstraint("job", "first"),
        sa.UniqueConstraint("job", "message", name="added_once"),
    )
    op.create_table(
        "slices",
        sa.Column("job", Whole, nullable=False),
        sa.Column("number", Whole, nullable=False),
        sa.Column("status", TextType(8), nullable=False),
        sa.Column("sequence", Whole, nullable=True),
        sa.Column("content", TextType(64), nullable=True),
        sa.Column("offset", Whole, nullable=True),
        sa.Column("length", Whole, nullable=True),
        sa.Column("paid", AmountType(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.number"],
        ),
        sa.PrimaryKeyConstraint("job", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("slices_by_sequence", "slices", ["job", "sequence"], unique=False)
    op.create_index("slices_by_status", "slices", ["job", "status"], unique=False)
    op.create_table(
        "events",
        sa.Column("number", Whole, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("process", TextType(16), nullable=False),
        sa.Column("job", Whole, nullable=False),
        sa.Column("label", TextType(16), nullable=False),
        sa.Column("data", TextType(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("events_by_time", "events", ["at"], unique=False)
    op.create_table(
        "listeners",
        sa.Column("job", Whole, nullable=False),
        sa.Column("process", TextType(16), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("job", "process"),
        sqlite_with_rowid=False,
    )
    op.create_index("listeners_by_process", "listeners", ["process"], unique=False)
    op.create_table(
        "deposit_keys",
        sa.Column("key", TextType(255), nullable=False),
        sa.Column("target", TextType(42), nullable=False),
        sa.Column("amount", AmountType(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "stamps",
        sa.Column("stamp", TextType(64), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("stamp"),
        sqlite_with_rowid=False,
    )
    op.create_index("stamps_by_time", "stamps", ["until"], unique=False)
    op.create_table(
        "workers",
        sa.Column("id", TextType(64), nullable=False),
        sa.Column("owner", TextType(42), nullable=False),
        sa.Column("payee", TextType(42), nullable=False),
        sa.Column("place", TextType(64), nullable=False),
        sa.Column("dialect", Whole, nullable=False),
        sa.Column("results", Whole, nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", "owner"),
        sqlite_with_rowid=False,
    )
    op.create_index("workers_by_time", "workers", ["seen"], unique=False)
    op.create_table(
        "bans",
        sa.Column("owner", TextType(42), nullable=False),
        sa.Column("reason", TextType(200), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
    )
    op.create_table(
        "deployments",
        sa.Column("job", Whole, nullable=False),
        sa.Column("place", TextType(64), nullable=False),
        sa.Column("bytes", Whole, nullable=False),
        sa.Column("amount", Whole, nullable=False),
        sa.Column("pays", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.number"],
        ),
        sa.PrimaryKeyConstraint("job"),
    )
    op.create_index(op.f("ix_deployments_place"), "deployments", ["place"], unique=False)
    op.create_table(
        "packages",
        sa.Column("number", Whole, nullable=False),
        sa.Column("name", TextType(128), nullable=False),
        sa.Column("owner", TextType(42), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("name"),
    )
    op.create_index(op.f("ix_packages_owner"), "packages", ["owner"], unique=False)
    op.create_table(
        "package_versions",
        sa.Column("package", Whole, nullable=False),
        sa.Column("version", TextType(64), nullable=False),
        sa.Column("published", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["package"],
            ["packages.number"],
        ),
        sa.PrimaryKeyConstraint("package", "version"),
    )
    op.create_table(
        "package_files",
        sa.Column("package", Whole, nullable=False),
        sa.Column("version", TextType(64), nullable=False),
        sa.Column("name", TextType(200), nullable=False),
        sa.Column("content", TextType(64), nullable=False),
        sa.Column("size", Whole, nullable=False),
        sa.Column("needs", TextType(), nullable=False),
        sa.ForeignKeyConstraint(
            ["package"],
            ["packages.number"],
        ),
        sa.PrimaryKeyConstraint("package", "version", "name"),
    )
    op.create_index(op.f("ix_package_files_content"), "package_files", ["content"], unique=False)
