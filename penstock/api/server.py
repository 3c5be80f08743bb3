"""The API on a port: uvicorn, as our callers need it."""

import resource
from functools import partial
from types import FrameType
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from penstock.api.limits.protocol import ConnectionCounter, ConnectionLimits, HttpProtocol
from penstock.settings import Settings

# Longer than clients and proxies keep a connection that rests (httpx 5 s, nginx and AWS load balancers 60 s): whoever
# closes it first must be the one that would use it next, or a request meets a closed door.
KEEP_ALIVE_SECONDS = 75
GOODBYE_SECONDS = 20
# Open files that are no connections: the database's, the storage's, uploads.
OTHER_FILES = 256


class Server(uvicorn.Server):
    """Serves an app of `create_app`. Told to stop, it finishes what it has begun, and lets nobody wait for a task."""

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> None:
        settings: Settings = app.state.context.services.settings
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GOODBYE_SECONDS,
        )
        # Those whose word on the caller's address is taken: FORWARDED_ALLOW_IPS, else this machine.
        proxies = ProxyHeadersMiddleware(cast("Any", app), config.forwarded_allow_ips).trusted_hosts
        protocol: Any = partial(HttpProtocol, doors=ConnectionCounter(connection_limits(settings), proxies))
        config.http = protocol
        super().__init__(config)
        self.hang_up = app.state.context.waiting.hang_up

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.hang_up()


def connection_limits(settings: Settings) -> ConnectionLimits:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    fitting = settings.max_connections if files < 0 else min(settings.max_connections, max(16, files - OTHER_FILES))
    return ConnectionLimits(
        connections=fitting,
        connections_per_address=settings.max_connections_per_address,
        head_bytes=settings.max_header_bytes,
        head_fields=settings.max_headers,
        line_bytes=settings.max_request_line_bytes,
        head_seconds=settings.header_seconds,
        unread_seconds=settings.unread_seconds,
    )
