"""The memory of a service's processes, as Linux counts it: PSS, which divides shared pages among those that share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from penstock.host.postgres import server_process

PROC = Path("/proc")


def memory_of_parts(service: int, home: Path) -> dict[str, int]:
    """Bytes of each part of the service whose `penstock up` is this process, by the part's name: `up` itself,
    PostgreSQL if it is the home's own, and each child of `up` with its descendants. Empty without `/proc`."""
    children = _children_by_parent()
    parts = {"up": _bytes_of((service,))}
    if postgres := server_process(home):
        parts["postgres"] = _bytes_of(_with_descendants(postgres, children))
    for part in children.get(service, ()):
        parts[_name(part)] = _bytes_of(_with_descendants(part, children))
    return {name: size for name, size in parts.items() if size}


def _children_by_parent() -> Mapping[int, list[int]]:
    found = defaultdict(list)
    for place in PROC.glob("[0-9]*"):
        with suppress(OSError, IndexError):
            found[int((place / "stat").read_text().rpartition(")")[2].split()[1])].append(int(place.name))
    return found


def _with_descendants(process: int, children: Mapping[int, list[int]]) -> list[int]:
    return [process, *(below for child in children.get(process, ()) for below in _with_descendants(child, children))]


def _name(process: int) -> str:
    with suppress(OSError):
        return (PROC / str(process) / "comm").read_text().strip()
    return str(process)


def _bytes_of(processes: Iterable[int]) -> int:
    return sum(map(_proportional, processes))


def _proportional(process: int) -> int:
    with suppress(OSError):
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return 0
