"""The child processes of a service: forked tied to us, watched, drained and, where that fails, killed.

They are forked, not started anew: what is imported here is imported once, and shared by all of them.
"""

import contextlib
import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from penstock.host.parent_death import die_with_parent, set_process_name

POLL_SECONDS = 0.2
KILL_SECONDS = 5.0
OFTEN, OFTEN_SECONDS, REST_SECONDS = 3, 60.0, 5.0
# How a part ends that is not at fault: it was told to stop, or killed, by a person or where memory was short.
# It is started again for ever, with a rest; a service that ended here would lose what its other parts run.
STOPPED = (0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)
STOPPING = (signal.SIGTERM, signal.SIGINT)
FORKING = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """One running part, by name: a module of Python and its words; its output goes to `log`.

    `keeps` are the open files that it inherits."""

    name: str
    command: tuple[str, ...]
    process: BaseProcess
    log: Path
    keeps: tuple[int, ...] = ()

    def running(self) -> bool:
        return self.process.is_alive()

    def said(self) -> str:
        """The end of its log, for the person who has to know why it died."""
        return self.log.read_bytes()[-3000:].decode(errors="replace") if self.log.exists() else ""


@dataclass
class ServiceProcesses:
    """The children of one service. `last` names those that stop when all others are gone."""

    logs: Path
    last: frozenset[str] = frozenset(("prefect",))
    children: list[ServiceProcess] = field(default_factory=list)
    deaths: dict[str, list[float]] = field(default_factory=dict)
    faults: dict[str, list[float]] = field(default_factory=dict)
    restarts: dict[str, float] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], keeps: tuple[int, ...] = ()) -> ServiceProcess:
        """Fork a part: it runs `python -m` these words, and is called by its name. The caller has one thread."""
        self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = self.logs / f"{name}.log"
        process = FORKING.Process(target=_become, args=(name, command, log, keeps, os.getpid()))
        with _signals_kept_back():
            process.start()
        child = ServiceProcess(name, tuple(command), process, log, keeps)
        self.children.append(child)
        return child

    def fallen(self) -> ServiceProcess | None:
        """A child that has ended although nobody asked it to."""
        return next((child for child in self.children if not child.running()), None)

    def tend(self) -> ServiceProcess | None:
        """Start a part anew that has ended, the second time in a minute after a rest; answers the one that it was.

        Raises `ChildProcessError` for one that keeps dying."""
        now = time.monotonic()
        for child in [child for child in self.children if not child.running()]:
            if now >= self.restarts.setdefault(child.name, now + self._rest(child, now)):
                self._restart(child)
                return child
        return None

    def _rest(self, child: ServiceProcess, now: float) -> float:
        """Seconds until it is started again, noted once for each time that it ends."""
        if child.name in self.restarts:
            return 0.0
        deaths = _noted(self.deaths, child.name, now)
        if child.process.exitcode not in STOPPED and len(_noted(self.faults, child.name, now)) >= OFTEN:
            often = f"{child.name} died {OFTEN} times within a minute. The last words of its log, {child.log}:"
            raise ChildProcessError(f"{often}\n{child.said()}")
        return REST_SECONDS if len(deaths) > 1 else 0.0

    def _restart(self, child: ServiceProcess) -> None:
        _kill_group(child)
        self.children.remove(child)
        del self.restarts[child.name]
        self.start(child.name, child.command, child.keeps)

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


def _noted(times: dict[str, list[float]], name: str, now: float) -> list[float]:
    """Add `now` to what happened to this part within the last minute, and answer all of that."""
    times[name] = [*(then for then in times.get(name, []) if now - then < OFTEN_SECONDS), now]
    return times[name]


@contextlib.contextmanager
def service_processes(logs: Path, grace_seconds: float) -> Iterator[ServiceProcesses]:
    """Children that are gone when the block ends, however it ends."""
    members = ServiceProcesses(logs)
    try:
        yield members
    finally:
        members.stop(grace_seconds)


@contextlib.contextmanager
def _signals_kept_back() -> Iterator[None]:
    """A child that is told to stop before it has its own manners would take it as we do."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _become(name: str, command: Sequence[str], log: Path, keeps: tuple[int, ...], parent: int) -> None:
    """What a forked child does: it takes on a session and streams of its own, lets go of its parent's, and runs."""
    die_with_parent(parent, signal.SIGKILL)
    set_process_name(name)
    os.setsid()
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    _take_streams(log, keeps)
    module, *words = command
    sys.argv[1:] = words
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _take_streams(log: Path, keeps: tuple[int, ...]) -> None:
    """Nothing else stays open of the parent's, least of all what it holds locked."""
    with log.open("ab") as out, Path(os.devnull).open("rb") as nothing:
        for theirs, ours in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(theirs.fileno(), ours)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - multiprocessing had opened another
    first = 3
    for kept in (*sorted(keeps), os.sysconf("SC_OPEN_MAX")):
        os.closerange(first, kept)
        first = kept + 1


def _end(children: list[ServiceProcess], grace_seconds: float) -> None:
    for child in children:
        child.process.terminate()
    deadline = time.monotonic() + grace_seconds
    for child in children:
        child.process.join(max(0.0, deadline - time.monotonic()))


def _kill_group(child: ServiceProcess) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid or 0, signal.SIGKILL)
    child.process.join(KILL_SECONDS)


def wait_until(ready: Callable[[], bool], seconds: float, members: ServiceProcesses) -> None:
    """Wait for `ready()` while every child lives; raises `TimeoutError` or `ChildProcessError`."""
    deadline = time.monotonic() + seconds
    while True:
        if fallen := members.fallen():  # first: what answers for a part that has ended is another's
            raise ChildProcessError(f"{fallen.name} ended while the service was starting:\n{fallen.said()}")
        if ready():
            return
        if time.monotonic() > deadline:
            raise TimeoutError("The service did not become ready in time.")
        time.sleep(POLL_SECONDS)
