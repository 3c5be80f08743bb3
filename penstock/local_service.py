"""The service that runs on this machine: `penstock up` writes its addresses and key into the home."""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field, fields
from pathlib import Path

DEFAULT_HOME = "~/.penstock"
# Tells `penstock up --linger` to end as soon as nothing uses it.
END_SIGNAL = signal.SIGTERM if sys.platform == "win32" else signal.SIGUSR2


@dataclass(frozen=True, slots=True)
class RunningService:
    """The addresses and credentials of a running service. `process` is the process id of `penstock up`; `batch_roots`
    is its setting of that name. `started` is in seconds since 1970. `linger_seconds`: how long it stays after its last
    use; None where it stays until it is told to stop. `settings`: a digest of each setting, by its variable;
    `variables`: of all variables that it was started with.
    `own_urls`: those of its URLs that lead to what it runs itself."""

    api_url: str
    prefect_api_url: str
    prefect_ui_url: str
    database_url: str = field(repr=False)
    process: int
    api_key: str = field(repr=False)
    prefect_auth: str | None = field(repr=False)
    batch_roots: str = ""
    version: str = ""
    started: float = 0.0
    linger_seconds: float | None = None
    settings: dict[str, str] = field(default_factory=dict)
    variables: str = ""
    own_urls: list[str] = field(default_factory=list, repr=False)


def service_file(home: Path) -> Path:
    """Among the secrets, because it contains the service's API key."""
    return home / "secrets" / "service.json"


def running_service(home: Path) -> RunningService | None:
    """The service that runs on this home; None if there is none."""
    try:
        told = json.loads(service_file(home).read_text())
        found = RunningService(**{one.name: told[one.name] for one in fields(RunningService) if one.name in told})
    except (OSError, ValueError, TypeError):
        return None
    # A new service may have claimed the home and not yet have removed the file of a killed one.
    return found if is_claimed(home) and _is_alive(found.process) else None


def is_claimed(home: Path) -> bool:
    """Whether a service runs, starts or stops on this home."""
    import fcntl  # noqa: PLC0415 - Windows has none, and no service on the same machine

    try:
        with (home / "service.lock").open() as lock:
            # A shared lock: two processes may check at once.
            return not was_locked(lock.fileno(), fcntl.LOCK_SH, 1)
    except FileNotFoundError:
        return False


def was_locked(lock: int, mode: int, tries: int) -> bool:
    """Whether the lock was taken. With several tries, because `is_claimed` holds it for an instant."""
    import fcntl  # noqa: PLC0415

    for _ in range(tries):
        try:
            fcntl.flock(lock, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05 if tries > 1 else 0)
        else:
            return True
    return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs as another user
    return True
