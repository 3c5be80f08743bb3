"""The HTTP API: a thin layer over the records and the object store. Each resource is a module in `routes`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

import penstock
from penstock.api import exception_handlers
from penstock.api.api_keys import CallerCache
from penstock.api.auth import AuthMiddleware, LinkCors
from penstock.api.context import PROBE_SLOTS, CachedValue, Context, RunService, ThreadLimits
from penstock.api.envelope import ErrorEnvelope
from penstock.api.last_use import LastUse
from penstock.api.long_poll import LongPolls
from penstock.api.openapi import DescribedApp
from penstock.api.routes import (
    arrivals,
    batches,
    content,
    deliveries,
    docs,
    files,
    formats,
    health,
    metrics,
    page,
    plans,
    resumable,
    signatures,
    sources,
    tasks,
    webhooks,
)
from penstock.api.throttling.fair_share import FairShare
from penstock.api.throttling.rate_limit import MinBodyRate, RateLimiter
from penstock.host.home import Home
from penstock.logs.request_ids import RequestIds
from penstock.services import Services

__all__ = ["RunService", "create_app"]

HEALTH_CACHE_SECONDS = 0.25
# How many requests of one project may wait for each plan that is being made.
WAITING_PER_PLAN = 4
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
ROUTERS = (
    sources.router,
    tasks.router,
    batches.router,
    webhooks.router,
    deliveries.router,
    arrivals.router,
    plans.router,
    files.router,
    content.router,
    signatures.router,
    resumable.router,
    formats.router,
    health.router,
    metrics.router,
    docs.router,
    page.router,
)


def create_app(services: Services, runs: RunService, lifespan: Lifespan | None = None) -> FastAPI:
    """The API over these services; `lifespan` is entered at its start and left at its end."""
    long_polls = LongPolls()

    @asynccontextmanager
    async def run_with_listener(app: FastAPI) -> AsyncIterator[None]:
        async with long_polls.listening(services.records.url):
            if lifespan is None:
                yield
                return
            async with lifespan(app):
                yield

    app = DescribedApp(
        title="Penstock",
        version=penstock.__version__,
        summary="Media conversion: video, audio and images, by URL or upload.",
        description="Press Authorize and paste an API key to try the requests on this service.",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        lifespan=run_with_listener,
        responses={"default": {"model": ErrorEnvelope, "description": "An error; `error.code` says which."}},
    )
    app.state.context = _context(services, runs, long_polls)
    routers = [router for router in ROUTERS if router is not page.router or services.settings.page == "on"]
    for router in routers:
        app.include_router(router)
    exception_handlers.install_handlers(
        app, [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    )
    min_rate = (services.settings.upload_min_bytes_per_second, services.settings.upload_grace_seconds)
    app.add_middleware(MinBodyRate, *min_rate)
    app.add_middleware(AuthMiddleware)
    app.add_middleware(LinkCors)
    app.add_middleware(LastUse, Home(services.settings.root).mark_used)
    app.add_middleware(RequestIds)
    return app


def _context(services: Services, runs: RunService, long_polls: LongPolls) -> Context:
    settings = services.settings
    threads = ThreadLimits.with_plans(settings.plans_at_once)
    return Context(
        services=services,
        runs=runs,
        callers=CallerCache(services.records.keys, RateLimiter(settings.failed_keys_per_minute), threads.lookups),
        long_polls=long_polls,
        write_rates=RateLimiter(settings.requests_per_minute),
        read_rates=RateLimiter(settings.reads_per_minute),
        invalid_link_rates=RateLimiter(settings.failed_links_per_minute),
        plan_slots=FairShare(settings.plans_at_once, WAITING_PER_PLAN * settings.plans_at_once),
        probe_slots=FairShare(PROBE_SLOTS),
        threads=threads,
        health=CachedValue(HEALTH_CACHE_SECONDS),
    )
