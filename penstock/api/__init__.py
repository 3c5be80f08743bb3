"""The thin trigger: HTTP in, records and storage behind it. One resource a file."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

import penstock
from penstock.api import exception_handlers
from penstock.api.api_keys import CallerCache
from penstock.api.auth import AuthMiddleware
from penstock.api.cache import CachedValue
from penstock.api.context import PROBES_AT_ONCE, Context, ThreadLimits
from penstock.api.envelope import ErrorEnvelope
from penstock.api.limits.fair_share import FairShare
from penstock.api.limits.rate_limit import RateLimiter
from penstock.api.limits.slow_bodies import MinBodyRate
from penstock.api.long_poll import LongPolls
from penstock.api.openapi import DescribedApp
from penstock.api.routes import content, docs, files, formats, health, plans, receipts, sources, tasks
from penstock.api.run_service import RunService
from penstock.services import Services

__all__ = ["Runs", "create_app"]

HEALTH_SECONDS = 1.0
# So many of one project may wait for each plan that is being made.
PLANS_WAITING = 4
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
ROUTERS = (
    sources.router,
    tasks.router,
    receipts.router,
    plans.router,
    files.router,
    content.router,
    formats.router,
    health.router,
    docs.router,
)


def create_app(services: Services, runs: RunService, lifespan: Lifespan | None = None) -> FastAPI:
    """The whole API over these services; `lifespan` is what else lives and ends with it."""
    waiting = LongPolls()

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        async with waiting.listening(services.records.url):
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
        lifespan=live,
        responses={"default": {"model": ErrorEnvelope, "description": "An error; see error.code."}},
    )
    app.state.context = _context(services, runs, waiting)
    for router in ROUTERS:
        app.include_router(router)
    exception_handlers.install(
        app, [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    )
    pace = (services.settings.upload_min_bytes_per_second, services.settings.upload_grace_seconds)
    app.add_middleware(MinBodyRate, *pace)
    app.add_middleware(AuthMiddleware)
    return app


def _context(services: Services, runs: RunService, waiting: LongPolls) -> Context:
    """What the handlers share."""
    settings = services.settings
    threads = ThreadLimits.by(plans=settings.plans_at_once)
    return Context(
        services=services,
        runs=runs,
        callers=CallerCache(services.records.keys, RateLimiter(settings.failed_keys_per_minute), threads.lookups),
        waiting=waiting,
        writes=RateLimiter(settings.requests_per_minute),
        reads=RateLimiter(settings.reads_per_minute),
        forgeries=RateLimiter(settings.failed_links_per_minute),
        plans=FairShare(settings.plans_at_once, PLANS_WAITING * settings.plans_at_once),
        probes=FairShare(PROBES_AT_ONCE),
        threads=threads,
        health=CachedValue(HEALTH_SECONDS),
    )
