"""Calling a function in a child of the nursery, and making one of our errors of whatever goes wrong with it."""

import signal
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.engines.answers import Nonsense, Reader
from penstock.engines.job import Bounds, Call, Reach
from penstock.engines.nursery import Nursery
from penstock.engines.process import KILLED, Answer, Ended, Patience, Unwatched, Watch, attend, killed_by_host

T = TypeVar("T")
Work = Literal["reading", "converting"]
NOTHING: Reader[None] = Reader(TypeAdapter(None))

_OVERDUE: dict[Work, tuple[type[errors.MediaError], str]] = {
    "reading": (errors.InputUnreadable, "Reading the input takes too long; it may be damaged."),
    "converting": (errors.EncoderTimeout, "The conversion took too long and was given up."),
}
_NONSENSE: dict[Work, tuple[type[errors.MediaError], str]] = {
    "reading": (errors.InputUnreadable, "The input is damaged: its decoder reported impossible values."),
    "converting": (errors.EngineError, "The encoder failed: its answer could not be read."),
}
_OUT_OF_BOUNDS = frozenset((-signal.SIGKILL, -signal.SIGXCPU))


@dataclass(frozen=True, slots=True)
class Errand:
    """One call: the function and its arguments, what it may touch, for how long, and what being late says of it."""

    function: str
    arguments: tuple[Any, ...]
    reach: Reach
    seconds: float
    memory_bytes: int
    file_bytes: int = 0
    work: Work = "reading"


def send(nursery: Nursery, errand: Errand, reader: Reader[T], watch: Watch | None = None) -> T:
    """The function's answer, as its reader reads it. Raises the error that it raised, `InputUnreadable` where the input
    broke it, and `Cancelled` where nobody wants it any more."""
    bounds = Bounds(errand.memory_bytes, max(1, round(errand.seconds * 2)), errand.file_bytes)
    job = Call(errand.function, errand.arguments, bounds, errand.reach)
    answer, patience = Answer(), Patience(errand.seconds, stall_seconds=errand.seconds)
    ended = attend(nursery.start(job), patience, watch or Unwatched(), answer)
    _require_sound(ended, bounds, errand.work)
    try:
        return reader.read(bytes(answer.said))
    except Nonsense as wrong:
        kind, saying = _NONSENSE[errand.work]
        raise kind(saying, detail=str(wrong)) from wrong


def _require_sound(ended: Ended, bounds: Bounds, work: Work) -> None:
    detail = f"{ended.reason} {ended.status}: {ended.tail}"
    if ended.reason in ("deadline", "stalled"):
        kind, saying = _OVERDUE[work]
        raise kind(saying, detail=detail)
    if killed_by_host(ended, bounds):
        raise errors.ResourceShortage(KILLED, detail=detail)
    if ended.status == -signal.SIGXFSZ:
        raise errors.ResourceLimit("The output is larger than an output may be.", detail=detail)
    if ended.status in _OUT_OF_BOUNDS:
        raise errors.ResourceLimit("The input needs more memory or time than one conversion may have.", detail=detail)
    if ended.status != 0:
        raise errors.InputUnreadable("The input is damaged: its decoder broke down.", detail=detail)
