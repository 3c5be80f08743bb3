"""What a child process is asked to do: a program or a function, its resource limits, and the paths it uses."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Rlimits:
    """What the kernel grants a child (setrlimit(2)). `cpu_seconds` counts all of its threads."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int = 64


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths that a child needs to read and to write. Nothing enforces them yet: there is no jail."""

    reading: tuple[str, ...] = ()
    writing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallJob:
    """A function of the table of entry points, by its name there."""

    function: str
    arguments: tuple[Any, ...]
    rlimits: Rlimits
    paths: Paths = Paths()


@dataclass(frozen=True, slots=True)
class ProgramJob:
    """A program and its arguments; `argv[0]` is its absolute path."""

    argv: tuple[str, ...]
    rlimits: Rlimits
    paths: Paths = Paths()


Job = CallJob | ProgramJob
