"""The API on a port: uvicorn, as our callers need it."""

from types import FrameType

import uvicorn
from fastapi import FastAPI

# Longer than clients and proxies keep a connection that rests (httpx 5 s, nginx and AWS load balancers 60 s): whoever
# closes it first must be the one that would use it next, or a request meets a closed door.
KEEP_ALIVE_SECONDS = 75
GOODBYE_SECONDS = 20


class Server(uvicorn.Server):
    """Serves an app of `create_app`. Told to stop, it finishes what it has begun, and lets nobody wait for a task."""

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 0) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GOODBYE_SECONDS,
        )
        super().__init__(config)
        self.hang_up = app.state.context.waiting.hang_up

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.hang_up()
