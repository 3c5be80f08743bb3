"""Functions that misbehave in a child process, as decoders do."""

import hashlib
import os
import signal
import time

_LEFT: list[bytearray] = []


def echo(value: str) -> str:
    return value


def pid(_: int) -> int:
    return os.getpid()


def nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leak(size: int) -> int:
    """Takes memory that is never returned."""
    _LEFT.append(bytearray(size))
    return len(_LEFT)


def hang() -> None:
    while True:
        pass


def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def lie(text: str) -> None:
    """Writes to the pipe of results, as a decoder that was taken over can."""
    os.write(3, text.encode())
    os._exit(0)


def write(path: str, size: int) -> int:
    with open(path, "wb") as file:  # noqa: PTH123
        return file.write(bytes(size))


def read(path: str) -> str:
    with open(path) as file:  # noqa: PTH123
        return file.read()


def status(*names: str) -> str:
    """These fields of this process's status, where it may be read."""
    with open("/proc/self/status") as file:  # noqa: PTH123
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    return " ".join(fields[name] for name in names)


def finds(start: str, digest: str, size: int) -> bool:
    """Whether its memory has a text that begins so, and has this sha256 and size in bytes."""
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        regions = [line.split() for line in maps]
        for addresses, modes, *_, name in regions:
            if "w" in modes and not name.startswith("[v"):
                first, last = (int(one, 16) for one in addresses.split("-"))
                memory.seek(first)
                if _has(memory.read(last - first) or b"", start.encode(), digest, size):
                    return True
    return False


def _has(content: bytes, start: bytes, digest: str, size: int) -> bool:
    place = -1
    while (place := content.find(start, place + 1)) >= 0:
        if hashlib.sha256(content[place : place + size]).hexdigest() == digest:
            return True
    return False


FUNCTIONS = (echo, pid, nice, crash, leak, hang, wait, lie, write, read, status, finds)
TABLE = {function.__name__: function for function in FUNCTIONS}
