"""How much work a line is, estimated from its size alone; groups of small lines for one run, and samples of lines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from zlib import crc32

from penstock.domain.formats import Kind
from penstock.domain.ids import TaskId

QueueKind = Literal["image", "media"]
Line = TypeVar("Line")

# Seconds of one processor: for each file, and for each megabyte of it. A film's compressed megabyte is more work than a
# photo's; the estimate only decides which lines share a run.
_SECONDS: dict[Kind, tuple[float, float]] = {"image": (0.03, 0.01), "audio": (0.3, 0.05), "video": (1.0, 1.0)}
SMALL_SECONDS = 10.0
GROUP_SECONDS = 20.0
MAX_GROUP_LINES = 1000


@dataclass(frozen=True, slots=True)
class EstimatedLine(Generic[Line]):
    """A line with the seconds that it is expected to take and the queue that its run waits in."""

    line: Line
    seconds: float
    queue: QueueKind

    @property
    def is_small(self) -> bool:
        """Whether it shares a run with others."""
        return self.seconds <= SMALL_SECONDS


@dataclass(frozen=True, slots=True)
class LineGroup(Generic[Line]):
    """Lines for one run."""

    lines: tuple[Line, ...]
    seconds: float
    queue: QueueKind

    @property
    def is_large_line(self) -> bool:
        """Whether it is one line that shares no run."""
        return len(self.lines) == 1 and self.seconds > SMALL_SECONDS


def estimated_line(line: Line, kind: Kind, input_bytes: int) -> EstimatedLine[Line]:
    """The line with its estimate. `kind` is the wanted output's."""
    start, per_megabyte = _SECONDS[kind]
    return EstimatedLine(line, start + per_megabyte * input_bytes / 1e6, "image" if kind == "image" else "media")


def group_lines(lines: Iterable[EstimatedLine[Line]]) -> Iterator[LineGroup[Line]]:
    """Groups of about 20 s, of one queue each, as soon as they are full. A line that is not small has its own."""
    waiting: dict[QueueKind, list[EstimatedLine[Line]]] = {"image": [], "media": []}
    seconds = dict.fromkeys(waiting, 0.0)
    for line in lines:
        if not line.is_small:
            yield _group([line])
            continue
        waiting[line.queue].append(line)
        seconds[line.queue] += line.seconds
        if seconds[line.queue] >= GROUP_SECONDS or len(waiting[line.queue]) >= MAX_GROUP_LINES:
            yield _group(waiting[line.queue])
            waiting[line.queue], seconds[line.queue] = [], 0.0
    yield from (_group(rest) for rest in waiting.values() if rest)


def is_in_sample(task_id: TaskId, share: float) -> bool:
    """Whether a task is one of this share (0…1) of all tasks; the same at every call."""
    return crc32(task_id.encode()) < share * 2**32


def _group(lines: list[EstimatedLine[Line]]) -> LineGroup[Line]:
    return LineGroup(tuple(one.line for one in lines), sum(one.seconds for one in lines), lines[0].queue)
