"""Call several functions in a row in one child process, so that its start is paid once.

A call that fails there is made again in a child of its own, because the calls before it may be the reason: memory
that they left, or a decoder that they damaged.
"""

import pickle
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from penstock.domain import errors
from penstock.sandbox.call import SandboxCall, call
from penstock.sandbox.error_codec import InvalidResult, ResultDecoder
from penstock.sandbox.job import MESSAGE_BYTES, CallsJob, Paths, Rlimits
from penstock.sandbox.outcomes import attempt
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import CpuMeter, LineCollector, NoWatch, Timeouts, Watch, supervise

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class CallOutcome(Generic[T]):
    """What a call returned or raised, and its seconds of wall time and of CPU time."""

    result: T | errors.MediaError
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0

    def with_value(self, value: U) -> "CallOutcome[U]":
        """With this value in place of the returned one; an error stays."""
        return self.with_result(self.result if isinstance(self.result, errors.MediaError) else value)

    def with_result(self, result: U | errors.MediaError) -> "CallOutcome[U]":
        return CallOutcome(result, self.wall_seconds, self.cpu_seconds)


def call_each(
    pool: SandboxPool,
    requests: Sequence[SandboxCall | errors.MediaError],
    decoder: ResultDecoder[T],
    watch: Watch | None = None,
) -> list[CallOutcome[T]]:
    """The outcome of each call, in order, as `call` would return or raise it; an error instead of a call is its own
    outcome. Raises `Cancelled` once `watch` says so."""
    active_watch = watch or NoWatch()
    outcomes: dict[int, CallOutcome[T]] = {}
    calls = {number: request for number, request in enumerate(requests) if isinstance(request, SandboxCall)}
    for batch in _batches(calls):
        if len(batch) > 1:
            outcomes |= _values(pool, batch, decoder, active_watch)
    for number, request in enumerate(requests):
        if isinstance(request, errors.MediaError):
            outcomes[number] = CallOutcome(request)
        elif number not in outcomes:
            outcomes[number] = _outcome(pool, request, decoder, active_watch)
    return [outcomes[number] for number in range(len(requests))]


def _batches(calls: dict[int, SandboxCall]) -> Iterator[dict[int, SandboxCall]]:
    """Calls that fit into one message to the fork server together."""
    batch: dict[int, SandboxCall] = {}
    size = 0
    for number, request in calls.items():
        request_size = len(pickle.dumps(request))
        if batch and size + request_size > MESSAGE_BYTES:
            yield batch
            batch, size = {}, 0
        batch[number] = request
        size += request_size
    yield batch


def _values(
    pool: SandboxPool, batch: dict[int, SandboxCall], decoder: ResultDecoder[T], watch: Watch
) -> dict[int, CallOutcome[T]]:
    """The outcomes of the calls that returned a value in one child."""
    requests, output, started = list(batch.values()), LineCollector(), time.monotonic()
    try:
        ended = supervise(pool.start(_job(requests)), _timeouts(requests), watch, output)
    except errors.ResourceShortage:
        return {}
    values: dict[int, CallOutcome[T]] = {}
    cpu_share = ended.cpu_seconds / max(output.lines[-1][1] - started, 1e-6) if output.lines else 0.0
    arrivals = [arrived for _, arrived in output.lines]
    for number, (line, _), seconds in zip(batch, output.lines, seconds_between(started, arrivals), strict=False):
        with suppress(InvalidResult, errors.MediaError):
            values[number] = CallOutcome(decoder.decode(line), seconds, seconds * cpu_share)
    return values


def seconds_between(started: float, arrivals: Sequence[float]) -> list[float]:
    """How long each result took. Those that a busy parent reads at once share the time since the one before."""
    earlier = {now: before for before, now in pairwise([started, *arrivals]) if before != now}
    together = Counter(arrivals)
    return [(now - earlier.get(now, now)) / together[now] for now in arrivals]


def _job(requests: Sequence[SandboxCall]) -> CallsJob:
    rlimits = [request.rlimits for request in requests]
    total = Rlimits(
        memory_bytes=max(each.memory_bytes for each in rlimits),
        cpu_seconds=sum(each.cpu_seconds for each in rlimits),
        file_bytes=max(each.file_bytes for each in rlimits),
        niceness=max(each.niceness for each in rlimits),
    )
    reading = tuple(path for request in requests for path in request.paths.reading)
    writing = tuple(path for request in requests for path in request.paths.writing)
    return CallsJob(tuple(request.function_call for request in requests), total, Paths(reading, writing))


def _timeouts(requests: Sequence[SandboxCall]) -> Timeouts:
    """Each call has the time of the slowest one."""
    seconds = [request.seconds for request in requests]
    return Timeouts(sum(seconds), stall_seconds=max(seconds), output_seconds=max(seconds))


def _outcome(pool: SandboxPool, request: SandboxCall, decoder: ResultDecoder[T], watch: Watch) -> CallOutcome[T]:
    """Of a call in a child of its own."""
    meter, started = CpuMeter(watch), time.monotonic()
    result = attempt(lambda alone: call(pool, alone, decoder, meter), request)
    return CallOutcome(result, time.monotonic() - started, meter.cpu_seconds)
