"""What the handlers of one app share, and what a request knows of its caller."""

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from anyio import CapacityLimiter
from fastapi import Request

from penstock.api.callers import Callers
from penstock.api.rates import Rates
from penstock.api.runs import Runs
from penstock.api.waiting import Waiting
from penstock.domain.addresses import Allowed, read_allowed
from penstock.domain.views import Showing
from penstock.domain.work import Caller
from penstock.services import Services

PROBES_AT_ONCE = 4
# As many as the records keep connections open for: more threads would wait for each other, and for Python's lock.
OPENINGS_AT_ONCE = 8


@dataclass(frozen=True)
class Context:
    services: Services
    runs: Runs
    callers: Callers
    waiting: Waiting
    writes: Rates
    reads: Rates
    plans: CapacityLimiter
    probes: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PROBES_AT_ONCE))
    openings: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(OPENINGS_AT_ONCE))

    @cached_property
    def allowed(self) -> Allowed:
        """What may be fetched although it is private."""
        return read_allowed(self.services.settings.fetch_allow)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """What a request may call us."""
        return frozenset(host.strip() for host in self.services.settings.allowed_hosts.split(",") if host.strip())


def context_of(request: Request) -> Context:
    return cast("Context", request.app.state.context)


def caller_of(request: Request) -> Caller | None:
    """Whom the request's key speaks for; None where none was asked for, or known."""
    return cast("Caller | None", request.scope["state"].get("caller"))


def require_caller(request: Request) -> Caller:
    caller = caller_of(request)
    if caller is None:
        raise LookupError("a route that needs a key was reached without one")
    return caller


def showing(request: Request) -> Showing:
    """How things are shown to this caller."""
    context = context_of(request)
    expires = int(time.time()) + context.services.settings.link_seconds
    return Showing(base_url(request), require_caller(request).secret, expires, context.runs.url)


def base_url(request: Request) -> str:
    """The base of the links: as set; else the host that was asked for, where we go by that name; else where we
    listen."""
    context = context_of(request)
    if public := context.services.settings.public_url:
        return public.rstrip("/")
    asked = request.headers.get("host", "")
    named = asked in context.hosts or asked.rpartition(":")[0] in context.hosts
    return f"{request.scope['scheme']}://{asked if named else _listening(request)}"


def _listening(request: Request) -> str:
    host, port = request.scope.get("server") or ("localhost", None)
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[request.scope["scheme"]]
    return shown if port in (None, usual) else f"{shown}:{port}"
