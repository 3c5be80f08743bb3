"""The records, for commands that need no running service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from penstock.host.home import existing_records_database
from penstock.settings import Settings

if TYPE_CHECKING:
    from penstock.records import Records


@contextmanager
def existing_records(settings: Settings) -> "Iterator[Records]":
    """The existing records. Creates no database, no tables and no key."""
    with existing_records_database(settings) as url, opened_records(url) as records:
        records.require_current()
        yield records


@contextmanager
def opened_records(url: str) -> "Iterator[Records]":
    """The records of a database, closed at the end of the block."""
    from penstock.records import Records  # noqa: PLC0415 - SQLAlchemy takes 0.5 s, also where there is no database

    records = Records(url)
    try:
        yield records
    finally:
        records.close()
