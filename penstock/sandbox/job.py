"""What a child process is asked to do: a program or functions, its resource limits, and the paths it uses."""

from dataclasses import dataclass
from typing import Any, Literal

# What kernels have of the jail, all of it, or nothing.
JailMode = Literal["auto", "require", "off"]
# The longest job as a pickle, in bytes: it is sent as one datagram, and Linux allows 208 KiB by default.
MESSAGE_BYTES = 192 * 1024
# The exit code of a child that could not be jailed, and did nothing.
EXIT_UNJAILED = 71
# The priority of children (nice(2)): after the service; work that nobody waits for comes after the rest.
NICENESS, BACKGROUND_NICENESS = 10, 15


@dataclass(frozen=True, slots=True)
class Rlimits:
    """What the kernel grants a child (setrlimit(2), nice(2)). `cpu_seconds` counts all of its threads."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int = 64
    niceness: int = NICENESS


@dataclass(frozen=True, slots=True)
class Paths:
    """What a child may open: files to read, and folders to write files in. The jail enforces it (`jail.py`)."""

    reading: tuple[str, ...] = ()
    writing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function of the table of entry points, by its name there."""

    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CallsJob:
    """Functions that are called in order. Each outcome is written as one line of JSON as soon as it is known."""

    calls: tuple[FunctionCall, ...]
    rlimits: Rlimits
    paths: Paths = Paths()


@dataclass(frozen=True, slots=True)
class ProgramJob:
    """A program and its arguments; `argv[0]` is its absolute path, and the only program that it may execute."""

    argv: tuple[str, ...]
    rlimits: Rlimits
    paths: Paths = Paths()


Job = CallsJob | ProgramJob
