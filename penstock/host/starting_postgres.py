"""The start of the home's PostgreSQL beside other work: creating a database takes a second, as long as many imports."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from penstock.domain.errors import DatabaseUnavailable, MediaError
from penstock.host.postgres import PostgresServer, new_server_sockets, start_server, used_server

FORK = multiprocessing.get_context("fork")
Prepare = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class StartingDatabase:
    """A database whose libpq URL is known, and which may not respond before `wait` returns."""

    url: str
    starter: BaseProcess | None = None
    outcome: Connection | None = None

    def wait(self) -> None:
        """Wait until the database responds. Raises `DatabaseUnavailable` if it cannot be started."""
        if self.starter is None or self.outcome is None:
            return
        error: MediaError | None = DatabaseUnavailable("The start of PostgreSQL was killed.")
        with suppress(EOFError):
            error = self.outcome.recv()
        self.starter.join()
        if error is not None:
            raise error


@contextmanager
def starting_postgres(home: Path, prepare: Prepare) -> Iterator[StartingDatabase]:
    """The home's server, used until the block ends. `prepare` gets its URL once it runs, in the process that starts it.

    If there may be a running one, it is waited for here."""
    with used_server(home):
        if (sockets := new_server_sockets(home)) is None:
            server = start_server(home)
            prepare(server.url())
            yield StartingDatabase(server.url())
            return
        outcome, told = FORK.Pipe(duplex=False)
        starter = FORK.Process(target=_start, args=(home, prepare, told))
        starter.start()
        told.close()
        try:
            yield StartingDatabase(PostgresServer(starter.pid or 0, sockets).url(), starter, outcome)
        finally:
            starter.join()


def _start(home: Path, prepare: Prepare, told: Connection) -> None:
    os.setsid()  # Ctrl-C of the terminal ended PostgreSQL's own programs, which was told as a failure of theirs
    try:
        prepare(start_server(home).url())
    except MediaError as error:
        told.send(error)
    else:
        told.send(None)
