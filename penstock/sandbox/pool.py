"""Starts child processes: a fork server, started at the first job, that forks one child for each job.

All decoding and encoding happens in these children; no other process loads a decoder.
"""

import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self

from penstock.domain import errors
from penstock.sandbox.job import JailMode, Job

_START_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_TRIES = 3
_INHERITED = ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH", "HOME", "LANG")
# A child faults in tens of megabytes of memory: with huge pages that takes a tenth of its time, else a quarter.
# One thread for each image: with two, libvips takes as long and uses more processor time.
_ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "VIPS_CONCURRENCY": "1"}


@dataclass(frozen=True, slots=True)
class Child:
    """A running job, as its owner sees it. It is killed when `channel` is closed, also by our own death."""

    channel: socket.socket
    stdout: int
    stderr: int
    pid: int

    def close(self) -> None:
        self.channel.close()
        os.close(self.stdout)
        os.close(self.stderr)


@dataclass(slots=True)
class _ForkServer:
    """A running fork server. Only the process that started it, `owner`, may wait for it."""

    control: socket.socket
    process: subprocess.Popen[bytes]
    owner: int = field(default_factory=os.getpid)

    def end(self) -> None:
        self.control.close()
        if self.owner == os.getpid():
            _wait(self.process)


class SandboxPool:
    """Safe for many threads. The fork server starts at the first job, is started again after a crash, and ends with
    `close`. `entrypoints` is the module whose `TABLE` holds the functions that a `CallsJob` may name.

    `jail` is that of the children: what the kernel has of it (`auto`), all of it (`require`), or none (`off`)."""

    def __init__(self, entrypoints: str, jail: JailMode = "auto") -> None:
        self._lock = threading.Lock()
        self._entrypoints = entrypoints
        self.jail: Final = jail
        self._server: _ForkServer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, job: Job) -> Child:
        """Start the job; the caller then has to call `supervise`. Raises `ResourceShortage` if no process starts."""
        for _ in range(_TRIES):
            if child := self._try_start(job):
                return child
        raise errors.ResourceShortage("No process can be started at the moment; try again later.")

    def start_server(self) -> None:
        """Start the fork server now, which otherwise starts at the first job. It loads its decoders meanwhile."""
        with self._lock:
            self._running_server()

    def close(self) -> None:
        with self._lock:
            self._discard()

    @property
    def pid(self) -> int | None:
        """The process id of the fork server; None while there is none."""
        return self._server.process.pid if self._server else None

    def _try_start(self, job: Job) -> Child | None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stdout, stdout_end = os.pipe()
        stderr, stderr_end = os.pipe()
        try:
            sent = self._send(job, (theirs.fileno(), stdout_end, stderr_end))
        finally:
            theirs.close()
            os.close(stdout_end)
            os.close(stderr_end)
        pid = _received_pid(ours) if sent else None
        child = Child(ours, stdout, stderr, pid or 0)
        if pid is None:
            child.close()
            return None
        os.set_blocking(stdout, False)
        os.set_blocking(stderr, False)
        return child

    def _send(self, job: Job, fds: tuple[int, int, int]) -> bool:
        message = pickle.dumps(job)
        with self._lock:
            control = self._running_server().control
            try:
                return socket.send_fds(control, [message], fds) == len(message)
            except OSError:
                self._discard()
                return False

    def _running_server(self) -> _ForkServer:
        if self._server and (self._server.owner != os.getpid() or self._server.process.poll() is not None):
            self._discard()
        if self._server is None:
            self._server = _spawn(self._entrypoints, self.jail)
        return self._server

    def _discard(self) -> None:
        if self._server:
            self._server.end()
            self._server = None


def _spawn(entrypoints: str, jail: JailMode) -> _ForkServer:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "penstock.sandbox.fork_server", str(theirs.fileno()), entrypoints, jail],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ} | _ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    return _ForkServer(ours, process)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _received_pid(channel: socket.socket) -> int | None:
    """The child's process id; None if the fork server died before it forked the child."""
    channel.settimeout(_START_SECONDS)
    with suppress(OSError):
        report: dict[str, Any] = json.loads(channel.recv(4096) or b"{}")
        return report.get("pid")
    return None
