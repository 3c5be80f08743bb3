"""The thin trigger: HTTP in, records and storage behind it. One resource a file."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

import penstock
from penstock.api import exception_handlers
from penstock.api.api_keys import Callers
from penstock.api.auth import Guard
from penstock.api.cache import Cached
from penstock.api.context import PROBES_AT_ONCE, Context, Threads
from penstock.api.envelope import ErrorEnvelope
from penstock.api.limits.fair_share import Turns
from penstock.api.limits.rate_limit import Rates
from penstock.api.limits.slow_bodies import Pace
from penstock.api.long_poll import Waiting
from penstock.api.openapi import DescribedApp
from penstock.api.routes import content, docs, files, formats, health, plans, receipts, sources, tasks
from penstock.api.run_service import Runs
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


def create_app(services: Services, runs: Runs, lifespan: Lifespan | None = None) -> FastAPI:
    """The whole API over these services; `lifespan` is what else lives and ends with it."""
    waiting = Waiting()

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
    app.add_middleware(Pace, *pace)
    app.add_middleware(Guard)
    return app


def _context(services: Services, runs: Runs, waiting: Waiting) -> Context:
    """What the handlers share."""
    settings = services.settings
    threads = Threads.by(plans=settings.plans_at_once)
    return Context(
        services=services,
        runs=runs,
        callers=Callers(services.records.keys, Rates(settings.failed_keys_per_minute), threads.lookups),
        waiting=waiting,
        writes=Rates(settings.requests_per_minute),
        reads=Rates(settings.reads_per_minute),
        forgeries=Rates(settings.failed_links_per_minute),
        plans=Turns(settings.plans_at_once, PLANS_WAITING * settings.plans_at_once),
        probes=Turns(PROBES_AT_ONCE),
        threads=threads,
        health=Cached(HEALTH_SECONDS),
    )
