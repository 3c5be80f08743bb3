"""The tables of files that are not complete yet."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from penstock.records.tables import METADATA, time_column, time_now_column

# One row for each file that was imported from an address; it has the id of its file.
IMPORTS = Table(
    "imports",
    METADATA,
    Column("id", String, ForeignKey("files.id"), primary_key=True),
    Column("project_id", String, nullable=False),
    Column("fingerprint", String),
    Column("url", String, nullable=False),
    Column("status", String, nullable=False, server_default="processing"),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("losses", Integer, nullable=False, server_default=text("0")),
    Column("owner", String),
    time_column("beat"),
    Column("run_id", String),
    time_now_column("due"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    time_now_column("created"),
    UniqueConstraint("project_id", "fingerprint"),
)

Index("imports_unfinished", IMPORTS.c.project_id, postgresql_where=IMPORTS.c.status == text("'processing'"))
Index("imports_by_run", IMPORTS.c.run_id)
