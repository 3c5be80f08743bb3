"""What the handlers of one app share, and what is known of a request's caller."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, Protocol, TypeVar, cast

from anyio import CapacityLimiter
from fastapi import Request
from pydantic import BaseModel

from penstock.api.api_keys import CallerCache
from penstock.api.long_poll import LongPolls
from penstock.api.throttling.fair_share import FairShare
from penstock.api.throttling.rate_limit import RateLimiter
from penstock.arrivals.rules import Rule, read_rules
from penstock.domain import errors
from penstock.domain.api_keys import Caller
from penstock.domain.attempts import RunsHealth
from penstock.domain.web_addresses import AllowedAddresses, parse_allowed
from penstock.services import Services
from penstock.uploads.resumable import UnfinishedUploads, unfinished_uploads
from penstock.views.tasks import ViewBuilder

Value = TypeVar("Value")

# As many as pooled database connections: more threads would wait for each other and for the GIL.
RECORDS_THREADS = 8
PROBE_SLOTS = 4  # uploads that are probed and stored at once
THREAD_COUNTS = {
    "lookups": RECORDS_THREADS,  # of API keys
    "submissions": RECORDS_THREADS,  # of tasks
    "links": RECORDS_THREADS,  # lookups of files by their links
    "reads": 64,  # of stored files
    "deletions": 8,  # of stored files
    "writes": 16,  # of uploads to the local disk
    "probes": PROBE_SLOTS,
    "health": 1,
}
# A Host header (RFC 9110 §7.2), matched strictly because it becomes the base of the links in the response.
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class ThreadLimits:
    """How many threads each kind of work may use. Separate, so that a hanging storage or upload blocks only its own
    kind. Other database work uses the default limiter."""

    lookups: CapacityLimiter
    submissions: CapacityLimiter
    links: CapacityLimiter
    reads: CapacityLimiter
    deletions: CapacityLimiter
    writes: CapacityLimiter
    probes: CapacityLimiter
    plans: CapacityLimiter
    health: CapacityLimiter

    @classmethod
    def with_plans(cls, plans: int, counts: Mapping[str, int] = THREAD_COUNTS) -> "ThreadLimits":
        limiters = {name: CapacityLimiter(count) for name, count in counts.items()}
        return cls(**limiters, plans=CapacityLimiter(plans))


class RunService(Protocol):
    """What the API needs of the orchestration; it does not know Prefect."""

    async def cancel(self, run_id: str) -> None:
        """Cancel a running flow run."""

    async def end_unstarted(self, run_id: str) -> None:
        """Cancel a flow run that has not started."""

    def url(self, run_id: str) -> str:
        """The address of a flow run's page."""

    async def health(self) -> RunsHealth:
        """Whether flow runs can be created and would start at once."""


class CachedValue(Generic[Value]):
    """A value, or one of our errors, that is kept for `seconds`. One caller computes it while the others wait."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._lock = asyncio.Lock()
        self._until = float("-inf")
        self._value: Value | errors.MediaError

    async def get(self, compute: Callable[[], Awaitable[Value]]) -> Value:
        async with self._lock:
            if self._clock() >= self._until:
                self._value = await _value_or_error(compute)
                self._until = self._clock() + self._seconds
        if isinstance(self._value, errors.MediaError):
            raise self._value.with_traceback(None)
        return self._value


async def _value_or_error(compute: Callable[[], Awaitable[Value]]) -> Value | errors.MediaError:
    try:
        return await compute()
    except errors.MediaError as error:
        return error


@dataclass(frozen=True)
class Context:
    """The services, limits and caches of one app."""

    services: Services
    runs: RunService
    callers: CallerCache
    long_polls: LongPolls
    write_rates: RateLimiter
    read_rates: RateLimiter
    invalid_link_rates: RateLimiter
    plan_slots: FairShare
    probe_slots: FairShare
    threads: ThreadLimits
    health: CachedValue[BaseModel]
    pending_pings: set[str] = field(default_factory=set)  # codes of the errors of health checks that have not returned

    linked_uploads: set[str] = field(default_factory=set)  # the ids of the files that links upload at present

    @cached_property
    def allowed(self) -> AllowedAddresses:
        """The private addresses that may be fetched."""
        return parse_allowed(self.services.settings.fetch_allow)

    @cached_property
    def unfinished_uploads(self) -> UnfinishedUploads:
        return unfinished_uploads(self.services.settings)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """What is converted when it arrives in a bucket."""
        return read_rules(self.services.settings.arrival_rules, self.services.settings.batch_roots)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The Host headers that may appear in links, in lower case."""
        hosts = self.services.settings.allowed_hosts.lower().split(",")
        return frozenset(host.strip() for host in hosts if host.strip())


def context_of(request: Request) -> Context:
    return cast("Context", request.app.state.context)


def client_address(request: Request) -> str:
    """The caller's address; from `X-Forwarded-For` if a trusted proxy sent the request."""
    return request.client.host if request.client else ""


def caller_of(request: Request) -> Caller | None:
    """The caller of the request's API key; None on public paths and for unknown keys."""
    return cast("Caller | None", request.scope["state"].get("caller"))


def require_caller(request: Request) -> Caller:
    caller = caller_of(request)
    if caller is None:
        raise LookupError("a route that needs an API key was reached without one")
    return caller


def view_builder(request: Request) -> ViewBuilder:
    """The builder of views for this request's caller."""
    context = context_of(request)
    expires = int(time.time()) + context.services.settings.link_seconds
    return ViewBuilder(base_url(request), require_caller(request).secret, expires, context.runs.url)


def base_url(request: Request) -> str:
    """The base of links: the setting, else the request's Host header if it is allowed, else the listening address."""
    context = context_of(request)
    if public := context.services.settings.public_url:
        return public.rstrip("/")
    host = request.headers.get("host", "").lower()
    return f"{_scheme(request)}://{host if _is_allowed(host, context.hosts) else _listening_address(request)}"


def _is_allowed(host: str, allowed: frozenset[str]) -> bool:
    """Whether a Host header is allowed: with its port, or with any port where only its name is listed."""
    match = _HOST.fullmatch(host)
    return match is not None and not allowed.isdisjoint((host, match["name"]))


def _scheme(request: Request) -> str:
    """A proxy may send `wss` in `X-Forwarded-Proto`."""
    return "https" if request.scope["scheme"] in ("https", "wss") else "http"


def _listening_address(request: Request) -> str:
    host, port = request.scope.get("server") or ("localhost", None)
    shown = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[_scheme(request)]
    return shown if port in (None, default) else f"{shown}:{port}"
