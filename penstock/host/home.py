"""The folder of everything kept: its secrets, and the address of the service that runs on it."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from penstock.domain.errors import Misconfigured
from penstock.host.postgres import postgres_server
from penstock.host.private_files import make_private, open_private
from penstock.settings import Settings

CLAIM_TRIES = 20
# What may be in a home.
NAMES = (
    *("secrets", "logs", "postgres", "prefect", "scratch", "files"),
    *("service.lock", "service.users", "postgres.lock", "postgres.users"),
)


@dataclass(frozen=True, slots=True)
class RunningService:
    """Where a running service answers, and what its parts need to find each other and to be let in."""

    api_url: str
    prefect_api_url: str
    prefect_ui_url: str
    database_url: str
    process: int
    api_key: str
    prefect_auth: str | None


@dataclass(frozen=True, slots=True)
class Home:
    root: Path

    @classmethod
    def at(cls, root: Path) -> "Home":
        """The home in this folder, made if it is not there; closed to everybody else. `Home(root)` makes nothing.

        Raises `Misconfigured` for a folder that cannot be had."""
        try:
            (root / "secrets").mkdir(parents=True, exist_ok=True, mode=0o700)
            make_private(root, NAMES)
        except OSError as fault:
            raise Misconfigured(f"The home {root} cannot be used: {fault.strerror}. Choose another.") from fault
        return cls(root)

    @property
    def _service(self) -> Path:
        """Among the secrets: it tells the service's key."""
        return self.root / "secrets" / "service.json"

    def secret(self, name: str) -> str:
        """A secret of this home, made at the first call and kept (mode 0600)."""
        place = self.root / "secrets" / name
        if place.exists():
            return place.read_text().strip()
        fresh = place.with_name(f".{name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(32))
        try:
            os.link(fresh, place)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return place.read_text().strip()

    def first(self, what: str) -> bool:
        """True the first time that it is asked for on this home."""
        try:
            (self.root / "secrets" / what.replace(" ", "-")).touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            return False
        return True

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """True while we are the only service on this home, False if there is another."""
        with open_private(self.root / "service.lock", "a") as lock:
            if not _locked(lock.fileno(), fcntl.LOCK_EX, CLAIM_TRIES):
                yield False
                return
            self.retire()  # one that was killed has left its address
            try:
                yield True
            finally:
                self.retire()

    def is_claimed(self) -> bool:
        """Whether a service runs on this home, or comes up, or goes down."""
        with open_private(self.root / "service.lock", "a") as lock:
            return not _locked(lock.fileno(), fcntl.LOCK_SH, 1)  # two who look are not in each other's way

    @contextmanager
    def used(self) -> Iterator[None]:
        """We use the service: one that runs until it is idle stays. Waits while one is closing."""
        with open_private(self.root / "service.users", "a") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            yield

    def in_use(self) -> bool:
        """Whether anybody is inside `used`."""
        with open_private(self.root / "service.users", "a") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    @contextmanager
    def closing(self) -> Iterator[bool]:
        """True if nobody uses the service, and nobody can until the block ends."""
        with open_private(self.root / "service.users", "a") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def announce(self, service: RunningService) -> None:
        """Say where the service is, once it is ready."""
        fresh = self._service.with_name(".service.json")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(asdict(service)))
        fresh.replace(self._service)

    def retire(self) -> None:
        """The service takes no more commands."""
        self._service.unlink(missing_ok=True)

    def running(self) -> RunningService | None:
        """The service that runs on this home, if one does."""
        try:
            found = RunningService(**json.loads(self._service.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        # The next one may have claimed the home and not yet have put away the address of one that was killed.
        return found if self.is_claimed() and _lives(found.process) else None


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def _locked(lock: int, how: int, tries: int) -> bool:
    """Whether we got the lock. Several tries: somebody may have held it just to look."""
    for _ in range(tries):
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05 if tries > 1 else 0)
        else:
            return True
    return False


@contextmanager
def records_database(settings: Settings) -> Iterator[str]:
    """The address of the records: the one that is set, else of the home's own server, up for as long as we use it."""
    if settings.database_url:
        yield settings.database_url
        return
    with postgres_server(settings.root) as server:
        yield server.url()


@contextmanager
def existing_records_database(settings: Settings) -> Iterator[str]:
    """The same where there is one already, that of the running service if none is set. Nothing is made.

    Raises `Misconfigured` where there is none."""
    running = Home(settings.root).running()
    if url := settings.database_url or (running and running.database_url):
        yield url
    elif (settings.root / "postgres" / "PG_VERSION").is_file():
        with postgres_server(settings.root, databases=()) as server:
            yield server.url()
    else:
        raise Misconfigured(f"There is no database yet in {settings.root}; `penstock up` makes it.")
