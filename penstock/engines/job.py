"""One piece of work for a child process: which program or function, within which bounds, touching which paths."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the kernel lets a child have. `cpu_seconds` counts all of its threads."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int = 64


@dataclass(frozen=True, slots=True)
class Reach:
    """The only paths that a child has business with; a jail is drawn from it."""

    reading: tuple[str, ...] = ()
    writing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the fixed table in `calls`, by name."""

    function: str
    arguments: tuple[Any, ...]
    bounds: Bounds
    reach: Reach = Reach()


@dataclass(frozen=True, slots=True)
class Execute:
    """A program and its arguments; the first is its absolute path."""

    argv: tuple[str, ...]
    bounds: Bounds
    reach: Reach = Reach()


Job = Call | Execute
