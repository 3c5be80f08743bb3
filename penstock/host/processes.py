"""The processes of a service: forked, restarted when they die, stopped together.

They are forked from one process that has imported their modules, so that they share that memory and start at once.
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

from penstock.sandbox.parent_death import die_with_parent, set_process_name

POLL_SECONDS = 0.05
KILL_SECONDS = 5.0
MAX_FAILURES, WINDOW_SECONDS, RESTART_DELAY_SECONDS = 3, 60.0, 5.0
# Exits that are no failure of the process: it was told to stop, or was killed by a person or because memory was short.
# It is restarted without limit; to end the service would lose what the other processes run.
NOT_A_FAILURE = (0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT)
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A process that runs `python -m` with `command`, writes to `log`, and has inherited the descriptors `fds`.

    `final_exit`: after an exit with this code it is not restarted."""

    name: str
    command: tuple[str, ...]
    process: BaseProcess
    log: Path
    fds: tuple[int, ...] = ()
    final_exit: int | None = None

    def is_running(self) -> bool:
        return self.process.is_alive()

    def log_tail(self) -> str:
        """The last 3000 bytes of its log."""
        return self.log.read_bytes()[-3000:].decode(errors="replace") if self.log.exists() else ""


@dataclass
class ServiceProcesses:
    """The processes of one service. Those named in `stopped_last` are stopped when all others have ended."""

    logs: Path
    stopped_last: frozenset[str] = frozenset(("prefect",))
    processes: list[ServiceProcess] = field(default_factory=list)
    ends: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, list[float]] = field(default_factory=dict)
    restarts: dict[str, float] = field(default_factory=dict)

    def start(
        self, name: str, command: Sequence[str], fds: tuple[int, ...] = (), *, final_exit: int | None = None
    ) -> ServiceProcess:
        """Fork a process of this name that runs `python -m` with `command`. The caller must have one thread only."""
        self.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = self.logs / f"{name}.log"
        process = FORK.Process(target=_run, args=(name, command, log, fds, os.getpid()))
        with _stop_signals_blocked():
            process.start()
        started = ServiceProcess(name, tuple(command), process, log, fds, final_exit)
        self.processes.append(started)
        return started

    def ended(self) -> ServiceProcess | None:
        """A process that has ended without being asked to."""
        return next((process for process in self.processes if not process.is_running()), None)

    def remove_finished(self) -> ServiceProcess | None:
        """Remove and return a process that has exited with its final code."""
        for process in self.processes:
            if process.final_exit is not None and process.process.exitcode == process.final_exit:
                _kill_group(process)
                self.processes.remove(process)
                return process
        return None

    def restart_ended(self) -> ServiceProcess | None:
        """Restart a process that has ended and return the ended one; from the second time in a minute on after 5 s.

        Raises `ChildProcessError` if one has failed three times within a minute."""
        now = time.monotonic()
        for process in [process for process in self.processes if not process.is_running()]:
            if now >= self.restarts.setdefault(process.name, now + self._delay(process, now)):
                self._restart(process)
                return process
        return None

    def _delay(self, process: ServiceProcess, now: float) -> float:
        """Seconds until it is restarted; counts each end once."""
        if process.name in self.restarts:
            return 0.0
        ends = _counted(self.ends, process.name, now)
        is_failure = process.process.exitcode not in NOT_A_FAILURE
        if is_failure and len(_counted(self.failures, process.name, now)) >= MAX_FAILURES:
            cause = f"{process.name} failed {MAX_FAILURES} times within a minute. The end of its log, {process.log}:"
            raise ChildProcessError(f"{cause}\n{process.log_tail()}")
        return RESTART_DELAY_SECONDS if len(ends) > 1 else 0.0

    def _restart(self, process: ServiceProcess) -> None:
        _kill_group(process)
        self.processes.remove(process)
        del self.restarts[process.name]
        self.start(process.name, process.command, process.fds, final_exit=process.final_exit)

    def stop(self, grace_seconds: float) -> None:
        """Ask all processes to stop, wait for them together, and kill what is left of their process groups."""
        first = [process for process in self.processes if process.name not in self.stopped_last]
        for group in (first, [process for process in self.processes if process not in first]):
            try:
                _terminate(group, grace_seconds)
            except KeyboardInterrupt:
                grace_seconds = 0.0
            for process in group:
                _kill_group(process)
        self.processes.clear()


def _counted(times: dict[str, list[float]], name: str, now: float) -> list[float]:
    """Add `now` to the times of this process, and return those within the last minute."""
    times[name] = [*(earlier for earlier in times.get(name, []) if now - earlier < WINDOW_SECONDS), now]
    return times[name]


@contextlib.contextmanager
def service_processes(logs: Path, grace_seconds: float) -> Iterator[ServiceProcesses]:
    """No processes yet; all that are started have ended when the block ends, however it ends."""
    processes = ServiceProcesses(logs)
    try:
        yield processes
    finally:
        processes.stop(grace_seconds)


@contextlib.contextmanager
def _stop_signals_blocked() -> Iterator[None]:
    """A child that got a signal before it has set its own handlers would run those of its parent."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _run(name: str, command: Sequence[str], log: Path, fds: tuple[int, ...], parent: int) -> None:
    """What a forked child does: take a session and streams of its own, close its parent's files, run the module."""
    die_with_parent(parent, signal.SIGKILL)
    set_process_name(name)
    os.setsid()
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    _set_streams(log, fds)
    module, *arguments = command
    sys.argv[1:] = arguments
    sys.modules.pop(f"{module}.__main__", None)  # imported by the parent; `runpy` warns of it in every log
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _set_streams(log: Path, fds: tuple[int, ...]) -> None:
    """Close all descriptors but the streams and `fds`: an inherited one would keep the parent's locks."""
    with log.open("ab") as out, Path(os.devnull).open("rb") as empty:
        for source, stream in ((empty, 0), (out, 1), (out, 2)):
            os.dup2(source.fileno(), stream)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - multiprocessing has replaced it by another file
    first = 3
    for kept in (*sorted(fds), os.sysconf("SC_OPEN_MAX")):
        os.closerange(first, kept)
        first = kept + 1


def _terminate(processes: list[ServiceProcess], grace_seconds: float) -> None:
    for process in processes:
        process.process.terminate()
    deadline = time.monotonic() + grace_seconds
    for process in processes:
        _await_end(process, deadline)


def _kill_group(process: ServiceProcess) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.process.pid or 0, signal.SIGKILL)
    _await_end(process, time.monotonic() + KILL_SECONDS)


def _await_end(process: ServiceProcess, deadline: float) -> None:
    """Not by `join`: a child has closed the pipe that `join` looks at, which then waits without a limit."""
    while process.is_running() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def wait_until_ready(is_ready: Callable[[], bool], seconds: float, processes: ServiceProcesses) -> None:
    """Wait for `is_ready()`. Raises `ChildProcessError` if a process ends before, `TimeoutError` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        if ended := processes.ended():  # checked first: what answers for an ended process is another program
            raise ChildProcessError(f"{ended.name} ended while the service was starting:\n{ended.log_tail()}")
        if is_ready():
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"The service was not ready after {seconds:.0f} s.")
        time.sleep(POLL_SECONDS)
