"""What holds for every request: its API key is checked before anything else, then its rate limit and version."""

import re

from fastapi import Request
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from penstock.api.context import client_address, context_of
from penstock.api.envelope import VERSION, error_response
from penstock.domain import errors
from penstock.domain.api_keys import Caller
from penstock.logs.request_ids import HEADER

UPLOAD_PATH = re.compile(r"/uploads/[^/]+")
CONTENT_PATH = re.compile(r"/files/[^/]+/content")
PUBLIC_PATH = re.compile(r"/health|/docs(/[a-z.-]+)?|/openapi\.json|/files/[^/]+/content")
PAGE_PATH = re.compile(r"/|/page/[a-z0-9]+/[a-z-]+\.[a-z]+")
# The second is what version 0.8.7 of PyPI's `ittybit` sends.
VERSION_HEADERS = ("accept-version", "accept_version")


class AuthMiddleware:
    """Gives each request its caller, or answers 401 or 429."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            await _authenticate(request)
        except errors.MediaError as error:
            await error_response(request, error)(scope, receive, send)
        else:
            await self._app(_head_as_get(scope), receive, send)


class LinkCors:
    """Lets pages of all origins use signed links: whoever has one may use it, and no cookie or key is sent with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._links = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "HEAD", "PUT"],
            allow_headers=["*"],
            expose_headers=["Accept-Ranges", "Content-Disposition", "Content-Range", "ETag", "Retry-After", HEADER],
            max_age=86_400,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_link = scope["type"] == "http" and CONTENT_PATH.fullmatch(scope["path"])
        await (self._links if is_link else self._app)(scope, receive, send)


def _head_as_get(scope: Scope) -> Scope:
    """HEAD is handled as GET; uvicorn, which keeps the original method, sends no body. The content of files and
    resumable uploads have HEAD routes of their own."""
    has_own = CONTENT_PATH.fullmatch(scope["path"]) or UPLOAD_PATH.fullmatch(scope["path"])
    if scope["method"] != "HEAD" or has_own:
        return scope
    return {**scope, "method": "GET"}


async def _authenticate(request: Request) -> None:
    if _is_public(request) or _is_signed_otherwise(request):
        return
    caller = await _caller(request)
    request.scope["state"]["caller"] = caller
    context = context_of(request)
    limiter = context.write_rates if request.method == "POST" else context.read_rates
    if seconds := limiter.take(caller.key_id):
        raise errors.RateLimited(f"Too many requests; try again in {seconds} s.", retry_after_seconds=seconds)
    _require_known_version(request)


def _require_known_version(request: Request) -> None:
    """Raises `FieldInvalid` for a client that wants another version of the contract."""
    for name in VERSION_HEADERS:
        if request.headers.get(name, VERSION).strip() != VERSION:
            raise errors.FieldInvalid(
                f"This service answers as version {VERSION}; send that as Accept-Version, or leave it out.",
                field="Accept-Version",
            )


def _is_public(request: Request) -> bool:
    path = request.scope["path"]
    if PAGE_PATH.fullmatch(path):
        return context_of(request).services.settings.page == "on"
    return PUBLIC_PATH.fullmatch(path) is not None


def _is_signed_otherwise(request: Request) -> bool:
    """SNS can send no key: its messages have a signature, which the route verifies."""
    return request.scope["path"] == "/events/s3" and "x-amz-sns-message-type" in request.headers


async def _caller(request: Request) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise errors.TokenMissing("No API key was sent; send the header Authorization: Bearer <key>.")
    caller = await context_of(request).callers.find(token.strip(), client_address(request))
    if caller is None:
        raise errors.TokenInvalid("This API key is unknown, expired or revoked.")
    return caller
