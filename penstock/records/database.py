"""Connections to PostgreSQL from one pool, and the translation of its errors."""

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

# A ping costs as much as a statement, so a pooled connection is only pinged after this many idle seconds, or if its
# server has sent something unasked, as it does when it closes the connection.
MAX_IDLE_SECONDS = 10.0
# The server closes a connection that has been idle for so long: each one takes 4 MB there. It has to be well above the
# time after which an idle one is pinged, so that none is closed while a statement is on its way.
CLOSED_IDLE_SECONDS = 20
OPTIONS = f"-c statement_timeout=30000 -c idle_session_timeout={CLOSED_IDLE_SECONDS}s"
# After a failover the old primary may still answer, read-only. Its connections are closed; new ones go to the primary.
READ_ONLY = psycopg.errors.ReadOnlySqlTransaction


class Database:
    """Connections for single statements and for transactions. Thread-safe."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=8,
            pool_timeout=10,
            pool_use_lifo=True,  # those that were needed for a burst alone become idle
            hide_parameters=True,
            connect_args={"connect_timeout": 5, "tcp_user_timeout": 10_000, "options": OPTIONS},
        )
        _replace_dead_connections(self._engine)
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection in autocommit: each statement is its own transaction."""
        with translate_database_errors(), self._autocommit.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a transaction, which is committed unless the block raises."""
        with translate_database_errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing_one_statement(self) -> Iterator[Connection]:
        """For a write of one statement: autocommit saves the round trips of a transaction."""
        with self.reading() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def _replace_dead_connections(engine: Engine) -> None:
    """Make the pool open a new connection in place of one that died while idle."""

    def on_checkin(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    def on_checkout(connection: Any, record: Any, _fairy: Any) -> None:
        idle = time.monotonic() - record.info.get("idle_since", 0.0)
        if (idle > MAX_IDLE_SECONDS or _is_readable(connection)) and not _responds(engine, connection):
            raise DisconnectionError

    def on_error(context: ExceptionContext) -> None:
        if isinstance(context.original_exception, READ_ONLY):
            context.is_disconnect = True

    event.listen(engine, "checkin", on_checkin)
    event.listen(engine, "checkout", on_checkout)
    event.listen(engine, "handle_error", on_error)


def _is_readable(connection: Any) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _responds(engine: Engine, connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(connection))
    except (psycopg.OperationalError, psycopg.InterfaceError):
        return False


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """An unreachable, overloaded or read-only database becomes `DatabaseUnavailable`; a value that a column cannot hold
    becomes `MediaError` (`internal`), which is not retried."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError, PoolExhausted) as error:
        message = "The database cannot be reached at the moment; try again."
        raise errors.DatabaseUnavailable(message, detail=str(error)) from error
    except DataError as error:
        raise errors.MediaError("A value cannot be stored in the database.", detail=str(error)) from error
