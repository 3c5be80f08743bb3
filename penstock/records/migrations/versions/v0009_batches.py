"""Batches, their items and chunks; outputs that are kept outside our storage; the publication that a task has begun."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0009"
down_revision = "0008"

UNFINISHED = "status = 'processing'"


SUBMITTED = f"{UNFINISHED} AND run_id IS NOT NULL"


def upgrade() -> None:
    for name in ("location", "location_version"):
        op.add_column("files", sa.Column(name, sa.String()))
    op.add_column("tasks", sa.Column("chunk_id", sa.String()))
    op.add_column("tasks", sa.Column("publishing", JSONB()))
    op.create_table("batches", *_batch_columns(), sa.UniqueConstraint("project_id", "fingerprint"))
    op.create_table("batch_items", *_item_columns())
    op.create_table("chunks", *_chunk_columns())
    op.drop_index("tasks_submitted", "tasks")
    _create_indexes()


def _time(name: str, default: str | None = None) -> sa.Column[Any]:
    given = sa.text(default) if default else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=default is None, server_default=given)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false"))


def _number(name: str, default: int) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text(str(default)))


def _text(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False, server_default=default)


def _dispatch_columns() -> list[sa.Column[Any]]:
    """The run of a batch or chunk, and its owner."""
    return [
        _text("status", "processing"),
        _number("attempt", 1),
        _number("losses", 0),
        sa.Column("owner", sa.String()),
        _time("beat"),
        sa.Column("run_id", sa.String()),
        _time("due", "now()"),
        _number("tries", 0),
        _time("created", "now()"),
    ]


def _batch_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("project_id", sa.String(), sa.ForeignKey("projects.id"), nullable=False),
        _text("fingerprint"),
        sa.Column("spec", JSONB(), nullable=False),
        sa.Column("options", JSONB(), nullable=False),
        _flag("trusted"),
        _text("stage", "listing"),
        _flag("cancelling"),
        _flag("paused"),
        sa.Column("parent_task_run", sa.String()),
        sa.Column("error", JSONB()),
        sa.Column("manifest_id", sa.String(), sa.ForeignKey("files.id")),
        _time("updated", "now()"),
        _time("started"),
        _time("ended"),
        *_dispatch_columns(),
    ]


def _item_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("batch_id", sa.String(), sa.ForeignKey("batches.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        _text("input"),
        sa.Column("output", sa.String()),
        sa.Column("fields", JSONB()),
        sa.Column("size", sa.BigInteger()),
        sa.Column("version", sa.String()),
        sa.Column("modified", sa.Double()),
        _text("status", "queued"),
        sa.Column("reason", sa.String()),
        sa.Column("error", JSONB()),
        sa.Column("code", sa.String()),
        sa.Column("task_id", sa.String()),
        sa.Column("seconds", sa.Double()),
        _flag("replaces"),
        sa.Column("result", JSONB()),
    ]


def _chunk_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("batch_id", sa.String(), sa.ForeignKey("batches.id"), nullable=False),
        _text("project_id"),
        _text("queue"),
        _text("name"),
        sa.Column("slots", ARRAY(sa.String()), nullable=False, server_default=sa.text("'{}'")),
        *_dispatch_columns(),
    ]


def _create_indexes() -> None:
    partial = {
        "tasks_of_chunk": ("tasks", ["chunk_id"], f"chunk_id IS NOT NULL AND {UNFINISHED}"),
        "tasks_submitted": ("tasks", ["project_id"], f"{SUBMITTED} AND chunk_id IS NULL"),
        "tasks_queued": ("tasks", ["project_id"], f"{UNFINISHED} AND batch IS NULL"),
        "files_by_location": ("files", ["location"], "location IS NOT NULL"),
        "batches_unfinished": ("batches", ["id"], UNFINISHED),
        "batch_items_by_task": ("batch_items", ["task_id"], "task_id IS NOT NULL"),
        "chunks_unfinished": ("chunks", ["batch_id"], UNFINISHED),
    }
    for name, (table, columns, where) in partial.items():
        op.create_index(name, table, columns, postgresql_where=sa.text(where))
    op.create_index("batches_by_age", "batches", ["project_id", "created", "id"])
    op.create_index("batch_items_by_status", "batch_items", ["batch_id", "status", "number"])


def downgrade() -> None:
    for name in ("files_by_location", "tasks_of_chunk", "tasks_queued", "tasks_submitted"):
        op.drop_index(name)
    op.create_index("tasks_submitted", "tasks", ["project_id"], postgresql_where=sa.text(SUBMITTED))
    for name in ("chunks", "batch_items", "batches"):
        op.drop_table(name)
    for table, name in (
        ("tasks", "publishing"),
        ("tasks", "chunk_id"),
        *(("files", name) for name in ("location_version", "location")),
    ):
        op.drop_column(table, name)
