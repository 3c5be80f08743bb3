"""The fork server: it receives jobs on a socket and forks a supervised child for each.

Run as `python -m penstock.sandbox.fork_server FD MODULE JAIL`. MODULE has the table of entry points, `TABLE`; importing
it loads every decoder once, for all children. JAIL is `auto`, `require` or `off`. The server has one thread, so that
forking and parent-death signals are safe. A job arrives as a pickle with three file descriptors: a channel to its
owner, the child's stdout and its stderr.
What a child writes is never unpickled: its results are lines of JSON on a pipe that the owner reads.
"""

import gc
import json
import os
import pickle
import select
import signal
import socket
import sys
import traceback
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any, NoReturn, cast

from penstock.domain import errors
from penstock.sandbox import forbidden_acts
from penstock.sandbox.error_codec import encoded_error, encoded_value
from penstock.sandbox.jail import Jail, JailFailed, enter, prepared_jail, this_kernel
from penstock.sandbox.job import EXIT_UNJAILED, MESSAGE_BYTES, CallsJob, FunctionCall, JailMode, Job, ProgramJob
from penstock.sandbox.rlimits import restrict

STDOUT, STDERR, RESULT = 1, 2, 3
JOB_DESCRIPTORS = 3
EXIT_CHILD_FAILED = 70
# Descriptors from here on are none of a child's.
_END_OF_DESCRIPTORS = 1024

Table = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What all children of a fork server share: the functions that they may call, and their jail."""

    table: Table
    jail: Jail | None


def serve(control_fd: int, prepared: Prepared) -> None:
    """Serve jobs until the owner closes its end of the socket, or dies."""
    # Supervisors are never waited for: with SIGCHLD ignored the kernel reaps them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A child may not write files. This server may: without their bytecode the decoders take 0.3 s longer to load.
    sys.dont_write_bytecode = True
    gc.freeze()
    buffer = memoryview(bytearray(MESSAGE_BYTES))
    with socket.socket(fileno=control_fd) as control:
        while True:
            size, fds = _received(control, buffer)
            if not size:
                return
            _start(control, buffer[:size], fds, prepared)
            # Each child has a copy of this memory, and must not find another's job in it.
            buffer[:size] = bytes(size)


def _received(control: socket.socket, buffer: memoryview) -> tuple[int, "array[int]"]:
    """The size of the next message, and its file descriptors."""
    fds = array("i")
    ancillary_bytes = socket.CMSG_LEN(JOB_DESCRIPTORS * fds.itemsize)
    size, ancillary, _, _ = control.recvmsg_into([buffer], ancillary_bytes, socket.MSG_CMSG_CLOEXEC)
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    return size, fds


def _start(control: socket.socket, message: memoryview, fds: "array[int]", prepared: Prepared) -> None:
    try:
        if len(fds) == JOB_DESCRIPTORS and os.fork() == 0:
            control.close()
            _supervise(message, (fds[0], fds[1], fds[2]), prepared)
    except OSError:
        # No process could be forked: the closed channel tells the owner that this job is lost.
        pass
    finally:
        for fd in fds:
            os.close(fd)


def _supervise(message: memoryview, fds: tuple[int, int, int], prepared: Prepared) -> NoReturn:
    """Fork one child and report how it ended. Kills it once the owner asks for that or has gone."""
    channel_fd, stdout, stderr = fds
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    supervisor = os.getpid()
    child = os.fork()
    if child == 0:
        _run_child(message, supervisor, (stdout, stderr), prepared)
    os.close(stdout)
    os.close(stderr)
    with socket.socket(fileno=channel_fd) as channel:
        _report(channel, {"pid": child})
        _wait_for_end(channel, child)
        _kill(child)
        _, status, usage = os.wait4(child, 0)
        used = {"cpu": usage.ru_utime + usage.ru_stime, "peak_bytes": usage.ru_maxrss * 1024}
        _report(channel, {"status": os.waitstatus_to_exitcode(status), **used})
    os._exit(0)


def _wait_for_end(channel: socket.socket, child: int) -> None:
    """Return when the child has ended or is to be killed. It stays a zombie, so that its group id is not used again."""
    pidfd = os.pidfd_open(child)
    select.select([channel.fileno(), pidfd], [], [])
    os.close(pidfd)


def _kill(child: int) -> None:
    for kill in (os.kill, os.killpg):
        with suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _report(channel: socket.socket, fields: dict[str, Any]) -> None:
    with suppress(OSError):
        channel.send(json.dumps(fields).encode())


def _run_child(message: memoryview, supervisor: int, streams: tuple[int, int], prepared: Prepared) -> NoReturn:
    """The child process. It exits in here, whatever happens."""
    status = EXIT_CHILD_FAILED
    try:
        _set_streams(*streams)
        job: Job = pickle.loads(message)  # noqa: S301 - from our own process, on a socket that only it has
        os.environ.clear()
        restrict(job, supervisor)
        if prepared.jail:
            enter(prepared.jail, job)
        os.closerange(RESULT + 1, _END_OF_DESCRIPTORS)
        _perform(job, prepared.table)
    except JailFailed:
        status = EXIT_UNJAILED
        raise
    finally:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)


def _set_streams(stdout: int, stderr: int) -> None:
    """The first four descriptors: an empty stdin, stderr twice (what a library prints is no result), the result."""
    result, complaints = os.dup(stdout), os.dup(stderr)
    empty = os.open(os.devnull, os.O_RDONLY)
    spare = max(result, complaints, empty) + 1
    copies = [os.dup2(fd, spare + place) for place, fd in enumerate((empty, complaints, complaints, result))]
    for place, fd in enumerate(copies):
        os.dup2(fd, place)


def _perform(job: Job, table: Table) -> NoReturn:
    match job:
        case ProgramJob():
            os.dup2(RESULT, STDOUT)
            os.close(RESULT)
            os.execve(job.argv[0], job.argv, {})  # noqa: S606
        case CallsJob():
            with os.fdopen(RESULT, "wb") as result:
                for call in job.calls:
                    result.write(json.dumps(outcome_of(call, table), default=str).encode() + b"\n")
                    result.flush()
            os._exit(0)


def outcome_of(call: FunctionCall, table: Table) -> dict[str, Any]:
    """What the function returned or raised, ready for JSON."""
    try:
        return encoded_value(table[call.function](*call.arguments))
    except errors.MediaError as error:
        return encoded_error(error)
    except MemoryError:
        return encoded_error(errors.ResourceLimit("The input needs more memory than is allowed."))


def _prepared(module: str, mode: JailMode) -> Prepared:
    entrypoints = import_module(module)
    packages = chain(*(import_module(name).__path__ for name in ("penstock", module.partition(".")[0])))
    jail = prepared_jail(mode, this_kernel(), tuple(packages))
    return Prepared(entrypoints.TABLE | forbidden_acts.TABLE, jail)


if __name__ == "__main__":
    descriptor, *arguments = sys.argv[1:]
    serve(int(descriptor), _prepared(*cast(tuple[str, JailMode], arguments)))
