"""Which calls are sent again, and when. What the service has refused for good never is."""

import random
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

from penstock.client.answers import Envelope, envelope_of
from penstock.client.calls import Call, Lost, Outcome, Send, Sleep, Steps
from penstock.errors import ServiceUnreachable

T = TypeVar("T")

FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.25, 5.0
# The service answers these before it does anything: too many requests, a database that is away.
REFUSED_UNDONE = (429, 503)
# A proxy answers these for a service that may have acted.
FROM_PROXIES = (502, 504)


def attempts(call: Call[T], patience_seconds: float) -> Steps[Envelope[T]]:
    """Send a call until it is answered or can no longer be. Raises the error of its answer, or `ServiceUnreachable`."""
    deadline = time.monotonic() + (patience_seconds if call.patience_seconds is None else call.patience_seconds)
    tries = 0
    while True:
        outcome: Outcome = yield Send(call)
        delay = retry_delay(outcome, tries, is_repeatable=call.is_repeatable)
        if delay is None or time.monotonic() + delay > deadline:
            return _answered(outcome, call)
        tries += 1
        yield Sleep(delay)


def retry_delay(outcome: Outcome, tries: int, *, is_repeatable: bool) -> float | None:
    """Seconds until the call is sent again; None: never."""
    if isinstance(outcome, Lost):
        return backoff(tries) if is_repeatable or not outcome.may_have_arrived else None
    if outcome.status in REFUSED_UNDONE:
        return max(_retry_after(outcome.headers), backoff(tries))
    return backoff(tries) if outcome.status in FROM_PROXIES and is_repeatable else None


def _answered(outcome: Outcome, call: Call[T]) -> Envelope[T]:
    if isinstance(outcome, Lost):
        raise ServiceUnreachable(f"The service at {outcome.address} could not be reached: {outcome.reason}.")
    return envelope_of(outcome, call.result)


def backoff(tries: int) -> float:
    """Doubles from a quarter of a second, with a random half, so that many clients do not come at once."""
    delay = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0**tries)
    return delay * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def _retry_after(headers: Mapping[str, Any]) -> float:
    with suppress(ValueError):
        return float(headers.get("retry-after", 0))
    return 0.0
