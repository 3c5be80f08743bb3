"""The API served by uvicorn, with limits on connections and request heads."""

import resource
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from penstock.api.throttling.http_protocol import ConnectionCounter, ConnectionLimits, HttpProtocol
from penstock.settings import Settings

# Longer than clients and proxies keep an idle connection (httpx 5 s, nginx and AWS load balancers 60 s), so that they
# close it first: a request on a connection that the server has just closed would fail.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20
# Open files besides connections: of the database, the object store, uploads.
RESERVED_FILES = 256


class Server(uvicorn.Server):
    """Serves an app of `create_app`. On a stop signal it finishes the running requests and ends long polls."""

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> None:
        settings: Settings = app.state.context.services.settings
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            log_config=None,  # Prefect's logging has the handlers, and their format
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        # Proxies whose X-Forwarded-For is believed: FORWARDED_ALLOW_IPS, by default this machine.
        proxies = ProxyHeadersMiddleware(cast("Any", app), config.forwarded_allow_ips).trusted_hosts
        protocol: Any = partial(HttpProtocol, counter=ConnectionCounter(connection_limits(settings), proxies))
        config.http = protocol
        super().__init__(config)
        self.close_long_polls = app.state.context.long_polls.close

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.close_long_polls()


def connection_limits(settings: Settings) -> ConnectionLimits:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    available = settings.max_connections if files < 0 else max(16, files - RESERVED_FILES)
    return ConnectionLimits(
        connections=min(settings.max_connections, available),
        connections_per_address=settings.max_connections_per_address,
        head_bytes=settings.max_header_bytes,
        head_fields=settings.max_headers,
        line_bytes=settings.max_request_line_bytes,
        head_seconds=settings.header_seconds,
        unread_seconds=settings.unread_seconds,
    )
