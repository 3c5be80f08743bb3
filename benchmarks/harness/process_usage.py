"""Resource usage of running processes, from /proc: processor seconds, memory bytes, files, threads, children."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
MB = 1e6


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of one process now; memory in bytes."""

    resident: int
    proportional: int
    files: int
    threads: int
    children: int


def cpu_seconds(process: int) -> float:
    """Processor seconds of a process and its descendants, with those that have ended."""
    return sum(sum(_times(each)) for each in process_tree(process)) / TICKS


def own_cpu_seconds(process: int) -> float:
    """Processor seconds of the process alone."""
    return sum(_times(process)[:2]) / TICKS


def proportional_bytes(process: int) -> int:
    """PSS of a process and its descendants in bytes: shared memory counts once."""
    return sum(_rollup(each).get("Pss", 0) for each in process_tree(process))


def usage(process: int) -> Usage:
    rollup, place = _rollup(process), Path(f"/proc/{process}")
    return Usage(
        resident=rollup["Rss"],
        proportional=rollup["Pss"],
        files=len(list((place / "fd").iterdir())),
        threads=len(list((place / "task").iterdir())),
        children=len(list(children(process))),
    )


def reset_peak(process: int) -> int:
    """Restart `peak_bytes`; returns the resident bytes now."""
    Path(f"/proc/{process}/clear_refs").write_text("5")
    return _status(process)["VmRSS"]


def peak_bytes(process: int) -> int:
    """The peak of resident bytes since `reset_peak`."""
    return _status(process)["VmHWM"]


def process_tree(process: int) -> list[int]:
    """The process and its descendants."""
    return [process, *(below for child in children(process) for below in process_tree(child))]


def children(process: int) -> Iterator[int]:
    for thread in _entries(Path(f"/proc/{process}/task")):
        with suppress(OSError):
            yield from map(int, (thread / "children").read_text().split())


def processes_with(*words: str) -> list[int]:
    """The other processes whose argument list has all of these words."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (place / "cmdline").read_text()
            if int(place.name) != os.getpid() and all(word in line for word in words):
                found.append(int(place.name))
    return found


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and was not waited for does not."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    return False


def name_of(process: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text().strip()
    return ""


def command_of(process: int) -> str:
    """Its argument list, separated by spaces; empty once it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ").strip()
    return ""


def _entries(folder: Path) -> Sequence[Path]:
    with suppress(OSError):
        return list(folder.iterdir())
    return []


def _times(process: int) -> list[int]:
    """Ticks in user and system mode: its own, and those of its children that have ended."""
    with suppress(OSError):
        return list(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return [0]


def _rollup(process: int) -> dict[str, int]:
    return _kilobytes(Path(f"/proc/{process}/smaps_rollup"))


def _status(process: int) -> dict[str, int]:
    return _kilobytes(Path(f"/proc/{process}/status"))


def _kilobytes(table: Path) -> dict[str, int]:
    """The lines `Name: 123 kB`, in bytes."""
    with suppress(OSError):
        lines = (line.split() for line in table.read_text().splitlines())
        return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[-1:] == ["kB"]}
    return {}
