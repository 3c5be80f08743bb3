"""The tables for SQLAlchemy. The migrations create them; a test compares the two."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

METADATA = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def time_column(name: str) -> Column[datetime]:
    """A moment, or null."""
    return Column(name, DateTime(timezone=True))


def time_now_column(name: str) -> Column[datetime]:
    """A moment, by default that of the transaction."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


ORGANISATIONS = Table(
    "organisations",
    METADATA,
    Column("id", String, primary_key=True),
    Column("name", String),
    time_now_column("created"),
)

PROJECTS = Table(
    "projects",
    METADATA,
    Column("id", String, primary_key=True),
    Column("organisation_id", String, ForeignKey("organisations.id"), nullable=False),
    Column("name", String, nullable=False, unique=True),
    Column("secret", String, nullable=False),
    time_now_column("created"),
    Column("previous_secret", String),
    time_column("previous_until"),
)

KEYS = Table(
    "keys",
    METADATA,
    Column("id", String, primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("sha256", String, nullable=False, unique=True),
    time_now_column("created"),
    time_column("revoked"),
    time_column("expires"),
    Column("from_environment", Boolean, nullable=False, server_default=text("false")),
)

FILES = Table(
    "files",
    METADATA,
    Column("id", String, primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("object", String, nullable=False),
    Column("key", String, nullable=False),
    Column("task_id", String),
    Column("kind", String, nullable=False),
    Column("format", String, nullable=False),
    Column("type", String, nullable=False),
    Column("filesize", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
    Column("codecs", String),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration", Double),
    Column("fps", Double),
    Column("frames", BigInteger),
    Column("bitrate", BigInteger),
    Column("media", JSONB(none_as_null=True)),
    Column("conversion", String),
    time_now_column("created"),
    time_now_column("updated"),
    time_column("deleted"),
    time_column("purged"),
    Column("location", String),
    Column("location_version", String),
    Column("name", String),
    Column("status", String, nullable=False, server_default="ready"),
    Column("error", JSONB(none_as_null=True)),
    Column("metadata", JSONB(none_as_null=True)),
)

TASKS = Table(
    "tasks",
    METADATA,
    Column("id", String, primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("request", JSONB(none_as_null=True), nullable=False),
    Column("file_id", String, ForeignKey("files.id")),
    Column("kind", String, nullable=False),
    Column("format", String, nullable=False),
    Column("status", String, nullable=False, server_default="processing"),
    Column("state", String, nullable=False, server_default="queued"),
    Column("progress", Integer, nullable=False, server_default=text("0")),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("losses", Integer, nullable=False, server_default=text("0")),
    Column("lost_in", String),
    Column("cancelling", Boolean, nullable=False, server_default=text("false")),
    Column("owner", String),
    Column("run_id", String),
    Column("slot", String),
    time_column("beat"),
    Column("error", JSONB(none_as_null=True)),
    Column("plan", JSONB(none_as_null=True)),
    Column("output_id", String, ForeignKey("files.id")),
    Column("batch", String),
    Column("input_version", JSONB(none_as_null=True)),
    Column("conversion", String),
    time_now_column("created"),
    time_now_column("updated"),
    Column("chunk_id", String),
    Column("publishing", JSONB(none_as_null=True)),
    Column("file_name", String),
    UniqueConstraint("project_id", "fingerprint"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("task_id", String, ForeignKey("tasks.id"), primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("project_id", String, nullable=False),
    Column("kind", String, nullable=False),
    time_now_column("due"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
)

RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("file_id", String, ForeignKey("files.id"), primary_key=True),
    Column("project_id", String),
    Column("task_id", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("family", String, nullable=False),
    Column("bytes_ratio", Double),
    Column("seconds_ratio", Double),
    Column("body", JSONB(none_as_null=True), nullable=False),
    time_now_column("made"),
)

BATCHES = Table(
    "batches",
    METADATA,
    Column("id", String, primary_key=True),
    Column("project_id", String, ForeignKey("projects.id"), nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("spec", JSONB(none_as_null=True), nullable=False),
    Column("options", JSONB(none_as_null=True), nullable=False),
    Column("trusted", Boolean, nullable=False, server_default=text("false")),
    Column("status", String, nullable=False, server_default="processing"),
    Column("stage", String, nullable=False, server_default="listing"),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("losses", Integer, nullable=False, server_default=text("0")),
    Column("cancelling", Boolean, nullable=False, server_default=text("false")),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("owner", String),
    time_column("beat"),
    Column("run_id", String),
    Column("parent_task_run", String),
    time_now_column("due"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("error", JSONB(none_as_null=True)),
    Column("manifest_id", String, ForeignKey("files.id")),
    time_now_column("created"),
    time_now_column("updated"),
    time_column("started"),
    time_column("ended"),
    UniqueConstraint("project_id", "fingerprint"),
)

BATCH_ITEMS = Table(
    "batch_items",
    METADATA,
    Column("batch_id", String, ForeignKey("batches.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("input", String, nullable=False),
    Column("output", String),
    Column("fields", JSONB(none_as_null=True)),
    Column("size", BigInteger),
    Column("version", String),
    Column("modified", Double),
    Column("status", String, nullable=False, server_default="queued"),
    Column("reason", String),
    Column("error", JSONB(none_as_null=True)),
    Column("code", String),
    Column("task_id", String),
    Column("seconds", Double),
    Column("replaces", Boolean, nullable=False, server_default=text("false")),
    Column("result", JSONB(none_as_null=True)),
)

CHUNKS = Table(
    "chunks",
    METADATA,
    Column("id", String, primary_key=True),
    Column("batch_id", String, ForeignKey("batches.id"), nullable=False),
    Column("project_id", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("name", String, nullable=False),
    Column("status", String, nullable=False, server_default="processing"),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("losses", Integer, nullable=False, server_default=text("0")),
    Column("owner", String),
    time_column("beat"),
    Column("run_id", String),
    time_now_column("due"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("slots", ARRAY(String), nullable=False, server_default=text("'{}'")),
    time_now_column("created"),
)

_UNFINISHED = TASKS.c.status == text("'processing'")

Index("keys_by_project", KEYS.c.project_id)
Index("files_by_age", FILES.c.project_id, FILES.c.created, FILES.c.id, postgresql_where=FILES.c.deleted.is_(None))
Index("files_unpurged", FILES.c.deleted, postgresql_where=FILES.c.deleted.is_not(None) & FILES.c.purged.is_(None))
Index("files_by_key", FILES.c.key, postgresql_where=FILES.c.purged.is_(None))
Index(
    "files_by_conversion",
    FILES.c.project_id,
    FILES.c.conversion,
    FILES.c.created,
    postgresql_where=FILES.c.deleted.is_(None) & FILES.c.conversion.is_not(None),
)
Index(
    "tasks_converting",
    TASKS.c.project_id,
    TASKS.c.conversion,
    postgresql_where=_UNFINISHED & TASKS.c.conversion.is_not(None),
)
Index("tasks_by_age", TASKS.c.project_id, TASKS.c.created, TASKS.c.id)
Index(
    "tasks_by_status",
    TASKS.c.project_id,
    TASKS.c.status,
    TASKS.c.created,
    TASKS.c.id,
    postgresql_include=["kind", "format"],  # for additional filters
)
Index("tasks_by_kind", TASKS.c.project_id, TASKS.c.kind, TASKS.c.created, TASKS.c.id)
Index("tasks_by_format", TASKS.c.project_id, TASKS.c.format, TASKS.c.created, TASKS.c.id)
Index("tasks_by_run", TASKS.c.run_id, postgresql_where=TASKS.c.run_id.is_not(None))
Index("tasks_by_output", TASKS.c.output_id, postgresql_where=TASKS.c.output_id.is_not(None))
Index("tasks_reading", TASKS.c.file_id, postgresql_where=_UNFINISHED)
Index("tasks_ended", TASKS.c.updated, postgresql_where=TASKS.c.status != text("'processing'"))
Index("tasks_unfinished", TASKS.c.id, TASKS.c.project_id, postgresql_where=_UNFINISHED)
Index("outbox_due", OUTBOX.c.due)
Index("outbox_by_project", OUTBOX.c.project_id, OUTBOX.c.kind, OUTBOX.c.due)
Index(
    "tasks_submitted",
    TASKS.c.project_id,
    postgresql_where=_UNFINISHED & TASKS.c.run_id.is_not(None) & TASKS.c.chunk_id.is_(None),
)
Index("receipts_by_project", RECEIPTS.c.project_id, RECEIPTS.c.family, RECEIPTS.c.made)

_IN_PROGRESS = BATCHES.c.status == text("'processing'")
Index("tasks_of_chunk", TASKS.c.chunk_id, postgresql_where=TASKS.c.chunk_id.is_not(None) & _UNFINISHED)
Index("tasks_queued", TASKS.c.project_id, postgresql_where=_UNFINISHED & TASKS.c.batch.is_(None))
Index("files_by_location", FILES.c.location, postgresql_where=FILES.c.location.is_not(None))
Index("batches_by_age", BATCHES.c.project_id, BATCHES.c.created, BATCHES.c.id)
Index("batches_unfinished", BATCHES.c.id, postgresql_where=_IN_PROGRESS)
Index("batch_items_by_status", BATCH_ITEMS.c.batch_id, BATCH_ITEMS.c.status, BATCH_ITEMS.c.number)
Index("batch_items_by_task", BATCH_ITEMS.c.task_id, postgresql_where=BATCH_ITEMS.c.task_id.is_not(None))
Index("chunks_unfinished", CHUNKS.c.batch_id, postgresql_where=CHUNKS.c.status == text("'processing'"))
