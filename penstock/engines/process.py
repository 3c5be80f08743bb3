"""Seeing a child through: its deadline, its silence, a cancellation, its last words."""

import json
import os
import select
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from penstock.domain import errors
from penstock.engines.job import Bounds
from penstock.engines.nursery import Child

_TICK_SECONDS = 0.2
_TAIL_BYTES = 2048
_BURIAL_SECONDS = 5.0
_OUTPUT_BYTES = 8 * 2**20

KILLED = "The process of this conversion was killed: the machine is short of memory. Try again later."

Reason = Literal["exited", "deadline", "stalled", "lost"]


class Watch(Protocol):
    """Who follows a piece of work: is told how far it is, and may say that nobody wants it any more."""

    def progress(self, percent: int) -> None: ...

    def stopped(self) -> bool: ...

    def spent(self, cpu_seconds: float) -> None:
        """So much processor time has been used."""


class Unwatched:
    """Nobody follows, nobody interrupts."""

    def progress(self, percent: int) -> None:
        """Nobody hears it."""

    def stopped(self) -> bool:
        return False

    def spent(self, cpu_seconds: float) -> None:
        """Nobody counts."""


class Listener(Protocol):
    """Who hears a child's output."""

    def hear(self, block: bytes) -> None: ...

    def sign(self) -> object:
        """Something that changes as long as the child gets on."""


@dataclass(slots=True)
class Answer:
    """Keeps an output that is an answer; more than a few megabytes are none."""

    said: bytearray = field(default_factory=bytearray)

    def hear(self, block: bytes) -> None:
        if len(self.said) < _OUTPUT_BYTES:
            self.said += block

    def sign(self) -> object:
        return len(self.said)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a child may take, and how long it may show no sign of life."""

    deadline_seconds: float
    stall_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: `status` is its exit code, or minus the signal that killed it."""

    reason: Reason
    status: int
    tail: str
    cpu_seconds: float = 0.0
    memory_bytes: int = 0


def killed_by_host(ended: Ended, bounds: Bounds) -> bool:
    """Whether a child was killed from outside: by the kernel that was short of memory, or by a person.

    Its own limits end it otherwise, save the one of processor time: there the kernel kills it too."""
    if ended.reason == "lost":
        return True
    killed = ended.reason == "exited" and ended.status == -signal.SIGKILL
    return killed and ended.cpu_seconds < 0.9 * bounds.cpu_seconds


@dataclass(slots=True)
class _Ear:
    """What has been heard of a child so far."""

    listener: Listener
    tail: bytes = b""
    report: dict[str, float] | None = None
    gone: bool = False
    silent: set[int] = field(default_factory=set)


def attend(child: Child, patience: Patience, watch: Watch, listener: Listener) -> Ended:
    """Wait until the child has ended, which is certain when this returns or raises. Raises `Cancelled`."""
    ear = _Ear(listener)
    try:
        reason = _follow(child, patience, watch, ear)
        ended = _ended(reason, ear)
        watch.spent(ended.cpu_seconds)
        return ended
    finally:
        _bury(child, ear)
        child.close()


def _follow(child: Child, patience: Patience, watch: Watch, ear: _Ear) -> Reason:
    vigil = _Vigil(child.pid, patience)
    while ear.report is None and not ear.gone:
        _listen(child, ear, _TICK_SECONDS)
        if watch.stopped():
            raise errors.Cancelled("The task was cancelled.")
        if vigil.over():
            return "deadline"
        if vigil.stalled(ear.listener.sign()):
            return "stalled"
    _listen(child, ear, 0)
    return "exited" if ear.report else "lost"


class _Vigil:
    """Keeps the two clocks of a child: the whole time, and the time since it last did anything."""

    def __init__(self, pid: int, patience: Patience) -> None:
        self._pid, self._patience = pid, patience
        self._began = self._alive_at = self._looked_at = time.monotonic()
        self._life: tuple[object, int] = (None, 0)

    def over(self) -> bool:
        return time.monotonic() - self._began > self._patience.deadline_seconds

    def stalled(self, sign: object) -> bool:
        now = time.monotonic()
        if now - self._looked_at >= min(1.0, self._patience.stall_seconds / 4):
            self._looked_at = now
            life = (sign, _cpu_ticks(self._pid))
            if life != self._life:
                self._life, self._alive_at = life, now
        return now - self._alive_at > self._patience.stall_seconds


def _cpu_ticks(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    return 0


def _listen(child: Child, ear: _Ear, seconds: float) -> None:
    poll = select.poll()
    for fd in {child.output, child.errors, child.channel.fileno()} - ear.silent:
        poll.register(fd, select.POLLIN)
    ready = {fd for fd, _ in poll.poll(seconds * 1000)}
    if child.output in ready:
        for block in _blocks(child.output, ear):
            ear.listener.hear(block)
    if child.errors in ready:
        for block in _blocks(child.errors, ear):
            ear.tail = (ear.tail + block)[-_TAIL_BYTES:]
    if child.channel.fileno() in ready:
        _read_report(child, ear)


def _read_report(child: Child, ear: _Ear) -> None:
    ear.silent.add(child.channel.fileno())
    with suppress(OSError):
        if news := child.channel.recv(4096):
            ear.report = json.loads(news)
            return
    ear.gone = True


def _blocks(fd: int, ear: _Ear) -> list[bytes]:
    """What has arrived, up to 4 MiB at a time; a pipe that is closed is not asked again."""
    blocks: list[bytes] = []
    with suppress(BlockingIOError):
        while len(blocks) < 64:
            block = os.read(fd, 65_536)
            if not block:
                ear.silent.add(fd)
                break
            blocks.append(block)
    return blocks


def _bury(child: Child, ear: _Ear) -> None:
    """Nothing of the child may live on, above all not while its room is cleared away."""
    if ear.report is not None or ear.gone:
        return
    with suppress(OSError):
        child.channel.send(b"kill")
        child.channel.settimeout(_BURIAL_SECONDS)
        child.channel.recv(4096)


def _ended(reason: Reason, ear: _Ear) -> Ended:
    report = ear.report or {}
    return Ended(
        reason=reason,
        status=int(report.get("status", -9)),
        tail=ear.tail.decode("utf-8", "replace"),
        cpu_seconds=report.get("cpu", 0.0),
        memory_bytes=int(report.get("memory", 0)),
    )
