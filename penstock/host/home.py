"""The home: the folder with all data and secrets of a service, and the address of the service that runs on it."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from penstock.domain.errors import Misconfigured
from penstock.host.postgres import postgres_server
from penstock.host.private_files import make_private, open_private
from penstock.local_service import RunningService, is_claimed, running_service, service_file, was_locked

if TYPE_CHECKING:
    from penstock.settings import Settings

CLAIM_TRIES = 20
# Everything that a home may contain.
ENTRIES = (
    *("secrets", "logs", "postgres", "prefect", "scratch", "files", "workers"),
    *("service.lock", "service.users", "service.start", "postgres.lock", "postgres.users"),
)


@dataclass(frozen=True, slots=True)
class Home:
    root: Path

    @classmethod
    def at(cls, root: Path) -> "Home":
        """The home in this folder, created if needed and closed to other users. `Home(root)` creates nothing.

        Raises `Misconfigured` if the folder cannot be created or written."""
        try:
            (root / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
            make_private(root, ENTRIES)
        except OSError as error:
            raise Misconfigured(f"The home {root} cannot be used: {error.strerror}. Choose another.") from error
        return cls(root)

    def secret(self, name: str) -> str:
        """A secret of this home: random, created at the first call (mode 0600), the same for all who ask at once."""
        path = self.root / "secrets" / name
        if path.exists():
            return path.read_text().strip()
        created = path.with_name(f".{name}.{secrets.token_hex(4)}")
        created.touch(mode=0o600)
        created.write_text(secrets.token_urlsafe(32))
        try:
            os.link(created, path)
        except FileExistsError:
            pass
        finally:
            created.unlink()
        return path.read_text().strip()

    def is_first_time(self, event: str) -> bool:
        """Whether this is the first call with this event on this home."""
        try:
            (self.root / "secrets" / event.replace(" ", "-")).touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            return False
        return True

    @contextmanager
    def claim(self) -> Iterator[bool]:
        """Whether this process is now the only service on this home; False if there is another one."""
        with open_private(self.root / "service.lock", "a") as lock:
            if not was_locked(lock.fileno(), fcntl.LOCK_EX, CLAIM_TRIES):
                yield False
                return
            self.unpublish()  # a killed service has left its file
            _write_process(lock)
            try:
                yield True
            finally:
                self.unpublish()
                lock.truncate(0)

    def is_claimed(self) -> bool:
        """Whether a service runs, starts or stops on this home."""
        return is_claimed(self.root)

    def claimed_by(self) -> int | None:
        """The process id of the service that runs, starts or stops on this home."""
        if not self.is_claimed():
            return None
        with suppress(OSError, ValueError):
            return int((self.root / "service.lock").read_text())
        return None

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Of commands that find no service at once, only one is in this block at a time."""
        with open_private(self.root / "service.start", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def use(self) -> Iterator[None]:
        """Keep a service alive that a command has started. Waits while one is closing."""
        with open_private(self.root / "service.users", "a") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                yield
            finally:
                self.mark_used()

    def mark_used(self) -> None:
        """The service was used now."""
        with suppress(OSError):
            os.utime(self.root / "service.users")

    def last_use(self) -> float | None:
        """When the service was last used, in seconds since 1970; None if never."""
        try:
            return (self.root / "service.users").stat().st_mtime
        except OSError:
            return None

    def is_used(self) -> bool:
        """Whether any process is inside `use`. Who closes the service, or asks this, has the lock alone meanwhile."""
        with open_private(self.root / "service.users", "a") as users:
            return not was_locked(users.fileno(), fcntl.LOCK_EX, 1) and was_locked(users.fileno(), fcntl.LOCK_SH, 1)

    @contextmanager
    def close_if_unused(self) -> Iterator[bool]:
        """Whether no process uses the service. If so, `use` waits until the block ends."""
        with open_private(self.root / "service.users", "a") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def publish(self, service: RunningService) -> None:
        """Write the service's addresses for other commands, once it is ready."""
        published = service_file(self.root)
        written = published.with_name(".service.json")
        written.touch(mode=0o600)
        written.write_text(json.dumps(asdict(service)))
        written.replace(published)

    def unpublish(self) -> None:
        """Remove the addresses: the service takes no more commands."""
        service_file(self.root).unlink(missing_ok=True)

    def running_service(self) -> RunningService | None:
        """The service that runs on this home; None if there is none."""
        return running_service(self.root)


def _write_process(lock: IO[str]) -> None:
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def api_key_of(settings: "Settings", home: Home) -> str:
    """The API key of the default project: the one that is set, else the home's."""
    return settings.api_key or home.secret("api_key")


@contextmanager
def records_database(settings: "Settings") -> Iterator[str]:
    """The database URL of the records: the one that is set, else of the home's own server, which runs meanwhile."""
    if settings.database_url:
        yield settings.database_url
        return
    with postgres_server(settings.root) as server:
        yield server.url()


@contextmanager
def existing_records_database(settings: "Settings") -> Iterator[str]:
    """The same, but creates nothing. If no URL is set, that of the running service, else of the home's own server.

    Raises `Misconfigured` if there is no database yet."""
    running = Home(settings.root).running_service()
    if url := settings.database_url or (running and running.database_url):
        yield url
    elif (settings.root / "postgres" / "PG_VERSION").is_file():
        with postgres_server(settings.root, databases=()) as server:
            yield server.url()
    else:
        raise Misconfigured(f"There is no database in {settings.root} yet; `penstock up` creates it.")
