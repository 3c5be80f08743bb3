"""Call a function in a child process, and turn whatever goes wrong there into one of our errors."""

import signal
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.sandbox.error_codec import InvalidResult, ResultDecoder
from penstock.sandbox.job import NICENESS, CallsJob, FunctionCall, Paths, Rlimits
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import KILLED, Collector, Exit, NoWatch, Timeouts, Watch, killed_from_outside, supervise

T = TypeVar("T")
Purpose = Literal["reading", "converting"]
NOTHING: ResultDecoder[None] = ResultDecoder(TypeAdapter(None))

_TOO_SLOW: dict[Purpose, tuple[type[errors.MediaError], str]] = {
    "reading": (errors.InputUnreadable, "Reading the input takes too long; it may be damaged."),
    "converting": (errors.EncoderTimeout, "The conversion took too long and was stopped."),
}
_INVALID_RESULT: dict[Purpose, tuple[type[errors.MediaError], str]] = {
    "reading": (errors.InputUnreadable, "The input is damaged: its decoder reported impossible values."),
    "converting": (errors.EngineError, "The encoder failed: its result could not be read."),
}
_KILLED_BY_LIMITS = frozenset((-signal.SIGKILL, -signal.SIGXCPU))


@dataclass(frozen=True, slots=True)
class SandboxCall:
    """A function of the table of entry points with its arguments, paths and limits.

    `seconds` is its deadline; it may use twice as much processor time. `purpose` chooses the error if it is missed."""

    function: str
    arguments: tuple[Any, ...]
    paths: Paths
    seconds: float
    memory_bytes: int
    file_bytes: int = 0
    purpose: Purpose = "reading"
    niceness: int = NICENESS

    @property
    def function_call(self) -> FunctionCall:
        return FunctionCall(self.function, self.arguments)

    @property
    def rlimits(self) -> Rlimits:
        cpu_seconds = max(1, round(self.seconds * 2))
        return Rlimits(self.memory_bytes, cpu_seconds, self.file_bytes, niceness=self.niceness)


def call(pool: SandboxPool, request: SandboxCall, decoder: ResultDecoder[T], watch: Watch | None = None) -> T:
    """The function's result. Raises the error that it raised; `InputUnreadable` if the input crashed it;
    `ResourceLimit` or `ResourceShortage` if it was killed; `Cancelled` once `watch` says so."""
    job = CallsJob((request.function_call,), request.rlimits, request.paths)
    output, timeouts = Collector(), Timeouts(request.seconds, stall_seconds=request.seconds)
    ended = supervise(pool.start(job), timeouts, watch or NoWatch(), output)
    _require_success(ended, request.rlimits, request.purpose)
    try:
        return decoder.decode(bytes(output.collected))
    except InvalidResult as invalid:
        kind, message = _INVALID_RESULT[request.purpose]
        raise kind(message, detail=str(invalid)) from invalid


def _require_success(ended: Exit, rlimits: Rlimits, purpose: Purpose) -> None:
    detail = ended.detail
    if ended.reason in ("deadline", "stalled"):
        kind, message = _TOO_SLOW[purpose]
        raise kind(message, detail=detail)
    if killed_from_outside(ended, rlimits):
        raise errors.ResourceShortage(KILLED, detail=detail)
    if ended.status == -signal.SIGXFSZ:
        raise errors.ResourceLimit("The output is larger than is allowed.", detail=detail)
    if ended.status in _KILLED_BY_LIMITS:
        raise errors.ResourceLimit("The input needs more memory or time than is allowed.", detail=detail)
    if ended.status != 0:
        raise errors.InputUnreadable("The input is damaged: its decoder crashed.", detail=detail)
