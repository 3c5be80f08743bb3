"""The one way in which anything is decoded: a small process that forks a bounded, watched child for each job."""

import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from penstock.domain import errors
from penstock.engines.job import Job

_START_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_TRIES = 3
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "HOME", "LANG")
# A child touches tens of megabytes for the first time: in huge pages that is a tenth of its time, not a quarter. Each
# picture has one core: on two, libvips takes as long, and more of the processor.
_HABITS = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "VIPS_CONCURRENCY": "1"}


@dataclass(frozen=True, slots=True)
class Child:
    """A running job, seen from its owner. Closing `channel` is its death; so is ours."""

    channel: socket.socket
    output: int
    errors: int
    pid: int

    def close(self) -> None:
        self.channel.close()
        os.close(self.output)
        os.close(self.errors)


@dataclass(slots=True)
class _Process:
    """One life of the nursery process."""

    control: socket.socket
    process: subprocess.Popen[bytes]
    owner: int = field(default_factory=os.getpid)

    def end(self) -> None:
        self.control.close()
        if self.owner == os.getpid():
            _wait(self.process)


class Nursery:
    """Starts at the first job, starts anew after a crash, serves many threads, and ends with `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, job: Job) -> Child:
        """A child at work on the job. The caller has to see it through (`process.attend`)."""
        for _ in range(_TRIES):
            if child := self._attempt(job):
                return child
        raise errors.ResourceShortage("No process can be started at the moment; try again later.")

    def close(self) -> None:
        with self._lock:
            self._discard()

    @property
    def pid(self) -> int | None:
        """The process of the nursery, while there is one."""
        return self._process.process.pid if self._process else None

    def _attempt(self, job: Job) -> Child | None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        output, output_end = os.pipe()
        complaints, complaints_end = os.pipe()
        try:
            sent = self._send(job, (theirs.fileno(), output_end, complaints_end))
        finally:
            theirs.close()
            os.close(output_end)
            os.close(complaints_end)
        pid = _first_word(ours) if sent else None
        child = Child(ours, output, complaints, pid or 0)
        if pid is None:
            child.close()
            return None
        os.set_blocking(output, False)
        os.set_blocking(complaints, False)
        return child

    def _send(self, job: Job, fds: tuple[int, int, int]) -> bool:
        message = pickle.dumps(job)
        with self._lock:
            control = self._alive().control
            try:
                return socket.send_fds(control, [message], fds) == len(message)
            except OSError:
                self._discard()
                return False

    def _alive(self) -> _Process:
        if self._process and (self._process.owner != os.getpid() or self._process.process.poll() is not None):
            self._discard()
        if self._process is None:
            self._process = _spawn()
        return self._process

    def _discard(self) -> None:
        if self._process:
            self._process.end()
            self._process = None


def _spawn() -> _Process:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-BP", "-m", "penstock.engines.cradle", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _HABITS,
            cwd="/",
            start_new_session=True,
        )
    return _Process(ours, process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _first_word(channel: socket.socket) -> int | None:
    """The child's process id, or None where the nursery died before there was a child."""
    channel.settimeout(_START_SECONDS)
    with suppress(OSError):
        news: dict[str, Any] = json.loads(channel.recv(4096) or b"{}")
        return news.get("pid")
    return None
