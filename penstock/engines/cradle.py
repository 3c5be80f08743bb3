"""The nursery's own process: it takes jobs from its owner's socket and forks a watched child for each.

Run as `python -m penstock.engines.cradle FD`. It has one thread, so that forking and parent-death signals are safe.
A job arrives as a pickle with three descriptors: a channel to its owner, and where its output and errors go.
Nothing that a child says is ever unpickled: its result is JSON on a pipe that the owner reads.
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
from contextlib import suppress
from typing import Any, NoReturn

from penstock.engines import calls
from penstock.engines.confinement import confine
from penstock.engines.job import Call, Execute, Job

MESSAGE_BYTES = 256 * 1024
OUTPUT, ERRORS, RESULT = 1, 2, 3


def main(control_fd: int) -> None:
    """Serve jobs until the owner closes its end, or dies."""
    # Sitters are never waited for: the kernel clears them away.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    with socket.socket(fileno=control_fd) as control:
        while True:
            message, fds, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 3, socket.MSG_CMSG_CLOEXEC)
            if not message:
                return
            _hand_over(control, message, fds)


def _hand_over(control: socket.socket, message: bytes, fds: list[int]) -> None:
    try:
        if len(fds) == 3 and os.fork() == 0:
            control.close()
            _sit(message, *fds)
    except OSError:
        # No process to be had: the closed channel tells the owner that this job is lost.
        pass
    finally:
        for fd in fds:
            os.close(fd)


def _sit(message: bytes, channel_fd: int, output: int, errors: int) -> NoReturn:
    """Watch over one child: kill it when the owner says so or is gone, else report how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    sitter = os.getpid()
    child = os.fork()
    if child == 0:
        _work(message, sitter, output, errors)
    os.close(output)
    os.close(errors)
    with socket.socket(fileno=channel_fd) as channel:
        _say(channel, {"pid": child})
        _await(channel, child)
        _kill(child)
        _, status, usage = os.wait4(child, 0)
        spent = usage.ru_utime + usage.ru_stime
        _say(channel, {"status": os.waitstatus_to_exitcode(status), "cpu": spent, "memory": usage.ru_maxrss * 1024})
    os._exit(0)


def _await(channel: socket.socket, child: int) -> None:
    """Return when the child has ended (it stays a zombie, so that its group is still its own) or is not wanted."""
    watched = os.pidfd_open(child)
    select.select([channel.fileno(), watched], [], [])
    os.close(watched)


def _kill(child: int) -> None:
    for kill in (os.kill, os.killpg):
        with suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _say(channel: socket.socket, news: dict[str, Any]) -> None:
    with suppress(OSError):
        channel.send(json.dumps(news).encode())


def _work(message: bytes, sitter: int, output: int, errors: int) -> NoReturn:
    """The child itself. It ends here, whatever happens."""
    try:
        _take_streams(output, errors)
        job: Job = pickle.loads(message)  # noqa: S301  from our own process, over a socket only it has
        os.environ.clear()
        confine(job, sitter)
        _perform(job)
    finally:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)


def _take_streams(output: int, errors: int) -> None:
    """Nothing of the nursery's stays open but these: no input, errors, and a result apart from stray prints."""
    result, complaints = os.dup(output), os.dup(errors)
    nothing = os.open(os.devnull, os.O_RDONLY)
    spare = max(result, complaints, nothing) + 1
    held = [os.dup2(fd, spare + place) for place, fd in enumerate((nothing, complaints, complaints, result))]
    for place, fd in enumerate(held):
        os.dup2(fd, place)
    os.closerange(RESULT + 1, 1024)


def _perform(job: Job) -> NoReturn:
    match job:
        case Execute():
            os.dup2(RESULT, OUTPUT)
            os.close(RESULT)
            os.execve(job.argv[0], job.argv, {})  # noqa: S606
        case Call():
            with os.fdopen(RESULT, "wb") as result:
                result.write(json.dumps(calls.answer(job), default=str).encode())
            os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
