"""The way to PostgreSQL: one pool, and its errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from penstock.domain import errors


class Database:
    """Connections for reading (each statement alone) and for writing (one transaction). Safe for many threads."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=8,
            pool_timeout=10,
            hide_parameters=True,
            connect_args={"connect_timeout": 5, "tcp_user_timeout": 10_000, "options": "-c statement_timeout=30000"},
        )
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with translated(), self._autocommit.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, kept if the block ends well."""
        with translated(), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """A database that is away, or too busy, becomes `DatabaseUnavailable`."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolExhausted) as away:
        message = "The database cannot be reached at the moment; try again."
        raise errors.DatabaseUnavailable(message, detail=str(away)) from away
