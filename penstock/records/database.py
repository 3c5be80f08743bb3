"""The way to PostgreSQL: one pool, and its errors in our words."""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DataError, DisconnectionError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from penstock.domain import errors

# Asking a connection whether it lives costs as much as what it is for, so only one that has rested for so long is
# asked, and one whose server has said something unasked: that is how a server says goodbye.
RESTED_SECONDS = 10.0
# After a fail-over the old primary may answer on, read-only. Its connections are closed; others find the new primary.
READ_ONLY = psycopg.errors.ReadOnlySqlTransaction


class Database:
    """Connections for statements that stand alone and for transactions. Safe for many threads."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=8,
            pool_timeout=10,
            hide_parameters=True,
            connect_args={"connect_timeout": 5, "tcp_user_timeout": 10_000, "options": "-c statement_timeout=30000"},
        )
        _replace_the_dead(self._engine)
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Each statement is a transaction of its own."""
        with translate_database_errors(), self._autocommit.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, kept if the block ends well."""
        with translate_database_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing_at_once(self) -> Iterator[Connection]:
        """A statement that does all that it has to: it needs no transaction round it."""
        with self.reading() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def _replace_the_dead(engine: Engine) -> None:
    """Have the pool open another connection in place of one that has died while it rested."""

    def rest(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    def look(connection: Any, record: Any, _fairy: Any) -> None:
        rested = time.monotonic() - record.info.get("rests_since", 0.0)
        if (rested > RESTED_SECONDS or _has_spoken(connection)) and not _answers(engine, connection):
            raise DisconnectionError

    def leave(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, READ_ONLY):
            context.is_disconnect = True

    event.listen(engine, "checkin", rest)
    event.listen(engine, "checkout", look)
    event.listen(engine, "handle_error", leave)


def _has_spoken(connection: Any) -> bool:
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _answers(engine: Engine, connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(connection))
    except (psycopg.OperationalError, psycopg.InterfaceError):
        return False


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """A database that is away, too busy or read-only becomes `DatabaseUnavailable`; a value that it cannot hold becomes
    `MediaError` (`internal`), which no second try heals."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolExhausted) as away:
        message = "The database cannot be reached at the moment; try again."
        raise errors.DatabaseUnavailable(message, detail=str(away)) from away
    except DataError as unfit:
        raise errors.MediaError("A value does not fit into our records.", detail=str(unfit)) from unfit
