"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dcp_scheduler.store.schema import AmountType

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("balance", AmountType(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "groups",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("join_key", sa.String(length=255), nullable=True),
        sa.Column("join_hash", sa.String(length=80), nullable=True),
        sa.Column("owner", sa.String(length=42), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("properties", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("join_key"),
    )
    op.create_table(
        "hand_outs",
        sa.Column("job", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=False),
        sa.Column("reserved", AmountType(), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("job", "number", "worker"),
        sqlite_with_rowid=False,
    )
    op.create_index("hand_outs_by_time", "hand_outs", ["seen"], unique=False)
    op.create_index("hand_outs_by_worker", "hand_outs", ["worker"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=42), nullable=False),
        sa.Column("owner", sa.String(length=42), nullable=False),
        sa.Column("payer", sa.String(length=42), nullable=False),
        sa.Column("dialect", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("submission", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("local", sa.Boolean(), nullable=False),
        sa.Column("needs", sa.Integer(), nullable=False),
        sa.Column("worktime", sa.String(length=64), nullable=False),
        sa.Column("worktime_range", sa.String(length=64), nullable=False),
        sa.Column("discrete", sa.Boolean(), nullable=False),
        sa.Column("price", AmountType(), nullable=False),
        sa.Column("factor", sa.Double(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("out", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("estimation", sa.Integer(), nullable=False),
        sa.Column("cpu", sa.Double(), nullable=False),
        sa.Column("gpu", sa.Double(), nullable=False),
        sa.Column("cpu_density", sa.Double(), nullable=False),
        sa.Column("gpu_density", sa.Double(), nullable=False),
        sa.Column("size_in", sa.Double(), nullable=False),
        sa.Column("size_out", sa.Double(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("served", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("address"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(op.f("ix_jobs_owner"), "jobs", ["owner"], unique=False)
    op.create_index(op.f("ix_jobs_status"), "jobs", ["status"], unique=False)
    op.create_table(
        "transfers",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("source", sa.String(length=42), nullable=False),
        sa.Column("target", sa.String(length=42), nullable=False),
        sa.Column("amount", AmountType(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("job", sa.Integer(), nullable=True),
        sa.Column("slice", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("job", "slice", "kind", name="paid_once"),
    )
    op.create_index(op.f("ix_transfers_source"), "transfers", ["source"], unique=False)
    op.create_index(op.f("ix_transfers_target"), "transfers", ["target"], unique=False)
    op.create_table(
        "job_groups",
        sa.Column("job", sa.Integer(), nullable=False),
        sa.Column("group", sa.Integer(), nullable=False),
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
    op.create_table(
        "piles",
        sa.Column("job", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["job"],
            ["jobs.number"],
        ),
        sa.PrimaryKeyConstraint("job", "first"),
    )
    op.create_table(
        "slices",
        sa.Column("job", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("content", sa.String(length=64), nullable=True),
        sa.Column("offset", sa.Integer(), nullable=True),
        sa.Column("length", sa.Integer(), nullable=True),
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
