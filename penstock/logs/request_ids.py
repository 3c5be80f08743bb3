"""The id of a request: `meta.id` and the header `X-Request-ID` of its response, and in each line logged meanwhile."""

from contextvars import ContextVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.domain.ids import RequestId, new_request_id

HEADER = "X-Request-ID"
_current: ContextVar[RequestId | None] = ContextVar("request_id", default=None)


def current_request_id() -> RequestId | None:
    """The id of the request that this code works for; None outside of one."""
    return _current.get()


class RequestIds:
    """Middleware: gives each request its id. One that a caller sends is not taken: it could forge lines of the log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_request_id()
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        token = _current.set(request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            _current.reset(token)
