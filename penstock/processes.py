"""The child processes of a service: started tied to us, watched, drained and, where that fails, killed."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from penstock.tether import tethered

POLL_SECONDS = 0.2
KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Child:
    """One running part, by name; its output goes to `log`."""

    name: str
    command: tuple[str, ...]
    process: subprocess.Popen[bytes]
    log: Path

    def running(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        """The end of its log, for the person who has to know why it died."""
        return self.log.read_bytes()[-3000:].decode(errors="replace") if self.log.exists() else ""


@dataclass
class Family:
    """The children of one service. `last` names those that stop when all others are gone."""

    environment: dict[str, str]
    logs: Path
    last: frozenset[str] = frozenset(("prefect",))
    children: list[Child] = field(default_factory=list)

    def start(self, name: str, command: list[str]) -> Child:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                tethered(command, at_end=signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=self.environment,
                start_new_session=True,
            )
        child = Child(name, tuple(command), process, log)
        self.children.append(child)
        return child

    def fallen(self) -> Child | None:
        """A child that has ended although nobody asked it to."""
        return next((child for child in self.children if not child.running()), None)

    def restart(self, fallen: Child) -> None:
        _kill_group(fallen)
        self.children.remove(fallen)
        self.start(fallen.name, list(fallen.command))

    def stop(self, grace_seconds: float) -> None:
        """Ask all to end at once, and wait for all together; kill what is left of their process groups."""
        first = [child for child in self.children if child.name not in self.last]
        for children in (first, [child for child in self.children if child not in first]):
            try:
                _end(children, grace_seconds)
            except KeyboardInterrupt:
                grace_seconds = 0.0
            for child in children:
                _kill_group(child)
        self.children.clear()


@contextlib.contextmanager
def family(environment: dict[str, str], logs: Path, grace_seconds: float) -> Iterator[Family]:
    """Children that are gone when the block ends, however it ends."""
    members = Family({**os.environ, **environment}, logs)
    try:
        yield members
    finally:
        members.stop(grace_seconds)


def _end(children: list[Child], grace_seconds: float) -> None:
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
    deadline = time.monotonic() + grace_seconds
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))


def _kill_group(child: Child) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGKILL)
    child.process.wait(KILL_SECONDS)


def wait_until(ready: Callable[[], bool], seconds: float, members: Family) -> None:
    """Wait for `ready()` while every child lives; raises `TimeoutError` or `ChildProcessError`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if fallen := members.fallen():
            raise ChildProcessError(f"{fallen.name} ended while the service was starting:\n{fallen.said()}")
        if time.monotonic() > deadline:
            raise TimeoutError("The service did not become ready in time.")
        time.sleep(POLL_SECONDS)
