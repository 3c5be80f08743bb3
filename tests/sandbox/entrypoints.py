"""Functions that misbehave in a child process, as decoders do."""

import os
import signal
import time

_LEFT: list[bytearray] = []


def echo(value: str) -> str:
    return value


def pid(_: int) -> int:
    return os.getpid()


def nice() -> int:
    return os.nice(0)


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


TABLE = {function.__name__: function for function in (echo, pid, nice, crash, leak, hang, wait, lie, write)}
