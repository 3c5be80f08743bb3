"""What the handlers of one app share, and what a request knows of its caller."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from anyio import CapacityLimiter
from fastapi import Request
from pydantic import BaseModel

from penstock.api.api_keys import CallerCache
from penstock.api.cache import CachedValue
from penstock.api.limits.fair_share import FairShare
from penstock.api.limits.rate_limit import RateLimiter
from penstock.api.long_poll import LongPolls
from penstock.api.run_service import RunService
from penstock.domain.access import Caller
from penstock.domain.addresses import AllowedAddresses, parse_allowed
from penstock.services import Services
from penstock.views.resources import ViewBuilder

# As many as the records keep connections open for: more threads would wait for each other, and for Python's lock.
RECORDS_AT_ONCE = 8
PROBES_AT_ONCE = 4  # of uploads, with their way to the storage
THREAD_COUNTS = {
    "lookups": RECORDS_AT_ONCE,  # of keys
    "openings": RECORDS_AT_ONCE,  # of tasks
    "links": RECORDS_AT_ONCE,  # of files, by their links
    "reads": 64,  # from the storage
    "deletions": 8,  # in the storage
    "writes": 16,  # of uploads, to this disk
    "probes": PROBES_AT_ONCE,
    "health": 1,
}
# `host` or `host:port` (RFC 9110 §7.2), nothing round it: what passes becomes the base of the links in the answer.
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class ThreadLimits:
    """How many threads each kind of work may have. Apart, so that what hangs (a storage, an upload) stops its own kind
    alone; what has no name here asks the records, in the threads of the default limiter."""

    lookups: CapacityLimiter
    openings: CapacityLimiter
    links: CapacityLimiter
    reads: CapacityLimiter
    deletions: CapacityLimiter
    writes: CapacityLimiter
    probes: CapacityLimiter
    plans: CapacityLimiter
    health: CapacityLimiter

    @classmethod
    def by(cls, plans: int, numbers: Mapping[str, int] = THREAD_COUNTS) -> "ThreadLimits":
        """So many for plans; the others as they are in the table."""
        return cls(**{name: CapacityLimiter(number) for name, number in numbers.items()}, plans=CapacityLimiter(plans))


@dataclass(frozen=True)
class Context:
    services: Services
    runs: RunService
    callers: CallerCache
    waiting: LongPolls
    writes: RateLimiter
    reads: RateLimiter
    forgeries: RateLimiter
    plans: FairShare
    probes: FairShare
    threads: ThreadLimits
    health: CachedValue[BaseModel]
    hanging: set[str] = field(default_factory=set)  # what was asked for its health and has not answered yet

    @cached_property
    def allowed(self) -> AllowedAddresses:
        """What may be fetched although it is private."""
        return parse_allowed(self.services.settings.fetch_allow)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """What a request may call us, in small letters."""
        named = self.services.settings.allowed_hosts.lower().split(",")
        return frozenset(host.strip() for host in named if host.strip())


def context_of(request: Request) -> Context:
    return cast("Context", request.app.state.context)


def client_address(request: Request) -> str:
    """Where a request comes from, as far as a proxy is to be believed."""
    return request.client.host if request.client else ""


def caller_of(request: Request) -> Caller | None:
    """Whom the request's key speaks for; None where none was asked for, or known."""
    return cast("Caller | None", request.scope["state"].get("caller"))


def require_caller(request: Request) -> Caller:
    caller = caller_of(request)
    if caller is None:
        raise LookupError("a route that needs a key was reached without one")
    return caller


def view_builder(request: Request) -> ViewBuilder:
    """How things are shown to this caller."""
    context = context_of(request)
    expires = int(time.time()) + context.services.settings.link_seconds
    return ViewBuilder(base_url(request), require_caller(request).secret, expires, context.runs.url)


def base_url(request: Request) -> str:
    """The base of the links: as set; else the host that was asked for, where we go by that name; else where we
    listen."""
    context = context_of(request)
    if public := context.services.settings.public_url:
        return public.rstrip("/")
    asked = request.headers.get("host", "").lower()
    return f"{_scheme(request)}://{asked if _is_named(asked, context.hosts) else _listening(request)}"


def _is_named(asked: str, hosts: frozenset[str]) -> bool:
    """Whether a Host header is one of these: with the port that it names, or with any port where none is listed."""
    read = _HOST.fullmatch(asked)
    return read is not None and not hosts.isdisjoint((asked, read["name"]))


def _scheme(request: Request) -> str:
    """A proxy on this machine may also name the scheme of a websocket."""
    return "https" if request.scope["scheme"] in ("https", "wss") else "http"


def _listening(request: Request) -> str:
    host, port = request.scope.get("server") or ("localhost", None)
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[_scheme(request)]
    return shown if port in (None, usual) else f"{shown}:{port}"
