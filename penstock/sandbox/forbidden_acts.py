"""What a jailed child must not be able to do, tried by a child: `doctor` and `/health` say what worked."""

import errno
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.sandbox.linux import prctl, system_call

# On x86-64 and on arm64. Called with arguments that are wrong, so that nothing happens where they are not refused.
_SYSTEM_CALLS = {
    "trace another process": {"x86_64": 101, "aarch64": 117},  # ptrace
    "read another process's memory": {"x86_64": 310, "aarch64": 270},  # process_vm_readv
    "mount a file system": {"x86_64": 165, "aarch64": 40},
    "enter another namespace": {"x86_64": 308, "aarch64": 268},  # setns
    "start a process by clone3": {"x86_64": 435, "aarch64": 435},
    "use io_uring": {"x86_64": 425, "aarch64": 425},
    "load a BPF program": {"x86_64": 321, "aarch64": 280},
    "watch performance events": {"x86_64": 298, "aarch64": 241},
    "use keyrings": {"x86_64": 250, "aarch64": 219},
    "handle page faults": {"x86_64": 323, "aarch64": 282},  # userfaultfd
}
_WRONG = 0x7FFF_FFFF
_PR_SET_PDEATHSIG = 1
_REFUSALS = frozenset((errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EXDEV))


@dataclass(frozen=True, slots=True)
class TrialPaths:
    """What a trial needs: a job's input and output folder; a folder out of its reach with `secret` and `program` in it;
    a TCP port of this machine and a Unix socket that listen."""

    source: str
    output: str
    outside: str
    port: int
    unix_socket: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """The names of the acts that were refused, and of those that worked."""

    refused: tuple[str, ...]
    allowed: tuple[str, ...]


def try_forbidden_acts(paths: TrialPaths) -> Attempts:
    """Try all acts in this process. Raises `OSError` where not even a job's own files can be used."""
    Path(paths.source).read_bytes()
    Path(paths.output, "made").write_bytes(b"output")
    acts = [*_ACTS.items(), *((name, _system_call(numbers)) for name, numbers in _SYSTEM_CALLS.items())]
    works = {name: _works(act, paths) for name, act in acts}
    return Attempts(
        refused=tuple(name for name, worked in works.items() if not worked),
        allowed=tuple(name for name, worked in works.items() if worked),
    )


def _works(act: Callable[[TrialPaths], object], paths: TrialPaths) -> bool:
    """Any other error than a refusal is about what the act was tried with."""
    try:
        act(paths)
    except OSError as error:
        return error.errno not in _REFUSALS
    return True


def _system_call(numbers: dict[str, int]) -> Callable[[TrialPaths], int]:
    return lambda _: system_call(numbers[os.uname().machine], _WRONG, _WRONG, 0, 0, 0, 0)


def _read_secret(paths: TrialPaths) -> bytes:
    return Path(paths.outside, "secret").read_bytes()


def _list_folder(paths: TrialPaths) -> list[Path]:
    return list(Path(paths.outside).iterdir())


def _write_outside(paths: TrialPaths) -> int:
    return Path(paths.outside, "made").write_bytes(b"made")


def _change_input(paths: TrialPaths) -> None:
    with Path(paths.source).open("r+b"):
        """Opening is enough."""


def _shorten_input(paths: TrialPaths) -> None:
    os.truncate(paths.source, 1)


def _delete_input(paths: TrialPaths) -> None:
    os.rename(paths.source, f"{paths.source}.gone")  # noqa: PTH104
    os.rename(f"{paths.source}.gone", paths.source)  # noqa: PTH104


def _read_environment(_: TrialPaths) -> bytes:
    return Path(f"/proc/{os.getppid()}/environ").read_bytes()


def _link(paths: TrialPaths) -> None:
    Path(paths.output, "symbolic").symlink_to(paths.outside)


def _hard_link(paths: TrialPaths) -> None:
    os.link(paths.source, Path(paths.output, "hard"))


def _make_pipe(paths: TrialPaths) -> None:
    os.mkfifo(Path(paths.output, "pipe"))


def _change_mode(paths: TrialPaths) -> None:
    Path(paths.source).chmod(0o600)


def _change_times(paths: TrialPaths) -> None:
    os.utime(paths.source)


def _connect(paths: TrialPaths) -> None:
    socket.create_connection(("127.0.0.1", paths.port), timeout=1).close()


def _connect_to_unix_socket(paths: TrialPaths) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(paths.unix_socket)


def _send_datagram(paths: TrialPaths) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"", ("127.0.0.1", paths.port))


def _listen(_: TrialPaths) -> None:
    socket.create_server(("127.0.0.1", 0)).close()


def _fork(_: TrialPaths) -> None:
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _execute(paths: TrialPaths) -> None:
    """No program: where executing is allowed, the kernel says so."""
    os.execv(Path(paths.outside, "program"), ["program"])  # noqa: S606


def _signal_parent(_: TrialPaths) -> None:
    os.kill(os.getppid(), 0)


def _outlive_parent(_: TrialPaths) -> None:
    prctl(_PR_SET_PDEATHSIG, 0)


_ACTS: dict[str, Callable[[TrialPaths], Any]] = {
    "read another file": _read_secret,
    "list another folder": _list_folder,
    "write to another folder": _write_outside,
    "change the input": _change_input,
    "shorten the input": _shorten_input,
    "remove the input": _delete_input,
    "read the service's environment": _read_environment,
    "make a symbolic link": _link,
    "make a hard link": _hard_link,
    "make a named pipe": _make_pipe,
    "change the input's mode": _change_mode,
    "change the input's times": _change_times,
    "connect to a TCP port": _connect,
    "connect to a Unix socket": _connect_to_unix_socket,
    "send a datagram": _send_datagram,
    "listen on a port": _listen,
    "start a process": _fork,
    "execute a program": _execute,
    "send a signal to another process": _signal_parent,
    "outlive the service": _outlive_parent,
}
TABLE: dict[str, Callable[..., Any]] = {"try_forbidden_acts": try_forbidden_acts}
