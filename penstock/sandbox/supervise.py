"""Wait for a child process: its deadline, its stalls, a cancel, its output, and how it ended."""

import json
import math
import os
import select
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from penstock.domain import errors
from penstock.sandbox.job import EXIT_UNJAILED, Rlimits
from penstock.sandbox.pool import Child

_POLL_SECONDS = 0.2
_TAIL_BYTES = 2048
_REAP_SECONDS = 5.0
_COLLECTED_BYTES = 8 * 2**20
_BLOCK_BYTES, _BLOCKS_AT_ONCE = 65_536, 64

KILLED = "The process of this conversion was killed: the machine is short of memory. Try again later."
UNJAILED = "The process of this conversion could not be jailed, so it was not started; ask the operator of the service."

Reason = Literal["exited", "deadline", "stalled", "cancelled", "lost"]


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended: `status` is its exit code, or minus the number of the signal that killed it. `peak_bytes` is
    the most memory that it had at a time (`ru_maxrss` of getrusage(2)); 0 if that is not known."""

    reason: Reason
    status: int
    stderr_tail: str
    cpu_seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def detail(self) -> str:
        """For the log."""
        return f"{self.reason} {self.status}, {self.peak_bytes / 1e6:.0f} MB: {self.stderr_tail}"


class Watch(Protocol):
    """Receives the progress and the CPU time of a piece of work, and can stop it."""

    def progress(self, percent: int) -> None: ...

    def stopped(self) -> bool: ...

    def ended(self, ended: Exit) -> None:
        """A child has ended like this."""


class NoWatch:
    """Ignores progress and never stops the work."""

    def progress(self, percent: int) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        return False

    def ended(self, ended: Exit) -> None:
        """Ignored."""


@dataclass(slots=True)
class CpuMeter:
    """Passes everything on to `watch`, and adds up the CPU time of child processes."""

    watch: Watch
    cpu_seconds: float = 0.0

    def progress(self, percent: int) -> None:
        self.watch.progress(percent)

    def stopped(self) -> bool:
        return self.watch.stopped()

    def ended(self, ended: Exit) -> None:
        self.cpu_seconds += ended.cpu_seconds
        self.watch.ended(ended)


class OutputReader(Protocol):
    """Reads a child's output."""

    def read(self, block: bytes) -> None: ...

    def progress_mark(self) -> object:
        """A value that changes as long as the child makes progress."""


@dataclass(slots=True)
class Collector:
    """Keeps the output, up to 8 MiB of it."""

    collected: bytearray = field(default_factory=bytearray)

    def read(self, block: bytes) -> None:
        if len(self.collected) < _COLLECTED_BYTES:
            self.collected += block

    def progress_mark(self) -> object:
        return len(self.collected)


@dataclass(slots=True)
class LineCollector:
    """Keeps the complete lines of the output, up to 8 MiB of them, each with its time of arrival (monotonic clock)."""

    lines: list[tuple[bytes, float]] = field(default_factory=list)
    _incomplete: bytes = b""
    _size: int = 0

    def read(self, block: bytes) -> None:
        self._size += len(block)
        if self._size > _COLLECTED_BYTES:
            return
        *complete, self._incomplete = (self._incomplete + block).split(b"\n")
        now = time.monotonic()
        self.lines.extend((line, now) for line in complete)

    def progress_mark(self) -> object:
        return len(self.lines)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a child may run, how long without progress or use of the processor, and how long without output."""

    deadline_seconds: float
    stall_seconds: float = 60.0
    output_seconds: float = math.inf


def killed_from_outside(ended: Exit, rlimits: Rlimits) -> bool:
    """Whether a child was killed by the kernel because memory was short, or by a person, and not by its own limits.

    RLIMIT_CPU kills with SIGKILL too; then most of the granted processor time is used. The kernel counts it by clock
    ticks: on a busy machine a limit of 1 s was reached after a measured 0.86 s."""
    if ended.reason == "lost":
        return True
    killed = ended.reason == "exited" and ended.status == -signal.SIGKILL
    return killed and ended.cpu_seconds < 0.75 * rlimits.cpu_seconds


@dataclass(slots=True)
class _Received:
    """What a child has sent so far. `closed` are the descriptors with nothing more to read."""

    reader: OutputReader
    stderr_tail: bytes = b""
    report: dict[str, float] | None = None
    is_lost: bool = False
    closed: set[int] = field(default_factory=set)


def supervise(child: Child, timeouts: Timeouts, watch: Watch, reader: OutputReader) -> Exit:
    """Wait until the child has ended. No process of it is left when this returns or raises. Raises `Cancelled`, and
    `MediaError` if the child did nothing because it could not be jailed."""
    received = _Received(reader)
    try:
        reason = _wait(child, timeouts, watch, received)
        ended = _exit_of(reason, received)
        watch.ended(ended)
        if reason == "cancelled":
            raise errors.Cancelled("The task was cancelled.")
        if ended.status == EXIT_UNJAILED:
            raise errors.MediaError(UNJAILED, detail=ended.stderr_tail)
        return ended
    finally:
        _reap(child, received)
        child.close()


def _wait(child: Child, timeouts: Timeouts, watch: Watch, received: _Received) -> Reason:
    timers = _Timers(child.pid, timeouts)
    while received.report is None and not received.is_lost:
        _receive(child, received, _POLL_SECONDS)
        if watch.stopped():
            return "cancelled"
        mark = received.reader.progress_mark()
        if timers.is_overdue(mark):
            return "deadline"
        if timers.is_stalled(mark):
            return "stalled"
    _receive(child, received, 0)
    return "exited" if received.report else "lost"


class _Timers:
    """The timers of a child: since its start, its last output, and its last output or use of the processor."""

    def __init__(self, pid: int, timeouts: Timeouts) -> None:
        self._pid, self._timeouts = pid, timeouts
        self._started = self._active_at = self._checked_at = self._output_at = time.monotonic()
        self._activity: tuple[object, int] = (None, 0)
        self._mark: object = None

    def is_overdue(self, progress_mark: object) -> bool:
        now = time.monotonic()
        if progress_mark != self._mark:
            self._mark, self._output_at = progress_mark, now
        silent = now - self._output_at > self._timeouts.output_seconds
        return silent or now - self._started > self._timeouts.deadline_seconds

    def is_stalled(self, progress_mark: object) -> bool:
        now = time.monotonic()
        if now - self._checked_at >= min(1.0, self._timeouts.stall_seconds / 4):
            self._checked_at = now
            activity = (progress_mark, _cpu_ticks(self._pid))
            if activity != self._activity:
                self._activity, self._active_at = activity, now
        return now - self._active_at > self._timeouts.stall_seconds


def _cpu_ticks(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


def _receive(child: Child, received: _Received, seconds: float) -> None:
    poll = select.poll()
    for fd in {child.stdout, child.stderr, child.channel.fileno()} - received.closed:
        poll.register(fd, select.POLLIN)
    ready = {fd for fd, _ in poll.poll(seconds * 1000)}
    if child.stdout in ready:
        for block in _blocks(child.stdout, received):
            received.reader.read(block)
    if child.stderr in ready:
        for block in _blocks(child.stderr, received):
            received.stderr_tail = (received.stderr_tail + block)[-_TAIL_BYTES:]
    if child.channel.fileno() in ready:
        _receive_report(child, received)


def _receive_report(child: Child, received: _Received) -> None:
    received.closed.add(child.channel.fileno())
    with suppress(OSError):
        if report := child.channel.recv(4096):
            received.report = json.loads(report)
            return
    received.is_lost = True


def _blocks(fd: int, received: _Received) -> list[bytes]:
    """What can be read without waiting, up to 4 MiB."""
    blocks: list[bytes] = []
    with suppress(BlockingIOError):
        while len(blocks) < _BLOCKS_AT_ONCE:
            block = os.read(fd, _BLOCK_BYTES)
            if not block:
                received.closed.add(fd)
                break
            blocks.append(block)
    return blocks


def _reap(child: Child, received: _Received) -> None:
    """Kill what still runs, and wait for its end: the scratch folder that it writes to is removed next."""
    if received.report is not None or received.is_lost:
        return
    with suppress(OSError):
        child.channel.send(b"kill")
        child.channel.settimeout(_REAP_SECONDS)
        child.channel.recv(4096)


def _exit_of(reason: Reason, received: _Received) -> Exit:
    report = received.report or {}
    return Exit(
        reason=reason,
        status=int(report.get("status", -signal.SIGKILL)),
        stderr_tail=received.stderr_tail.decode("utf-8", "replace"),
        cpu_seconds=report.get("cpu", 0.0),
        peak_bytes=int(report.get("peak_bytes", 0)),
    )
