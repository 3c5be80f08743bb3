"""`/`: the page for people without a terminal. Its files are those of the folder `penstock/api/page`."""

import hashlib
from contextlib import suppress
from functools import cache, partial
from importlib.resources import files
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.context import Context, context_of
from penstock.domain import errors

router = APIRouter(tags=["page"], include_in_schema=False)

FOLDER = files("penstock.api") / "page"
TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
# In index.html they stand for the version, so that a page never mixes modules of two versions of the service, and for
# who serves the links.
VERSION_MARK = "page/version/"
LINKS_MARK = 'data-links="api"'
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'{store}; "
    "media-src 'self'{store}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
REVALIDATE, KEEP = "no-cache", "public, max-age=31536000, immutable"


@router.get("/")
async def read_page(request: Request) -> Response:
    """The page itself."""
    context = context_of(request)
    store = await _store_origin(context)
    policy = POLICY.format(store=f" {store}" if store else "")
    headers = {"Content-Security-Policy": policy, "Cache-Control": REVALIDATE}
    return _answer(request, _index("redirect" if store else "api"), "text/html", headers)


@router.get("/page/{version}/{name}")
async def read_page_file(request: Request, version: str, name: str) -> Response:
    """A module, the style or the icon. It is kept for a year under the address of this version alone."""
    content = _contents().get(name)
    if content is None:
        raise errors.NotFound("This path does not exist; /docs lists all paths.")
    kept = KEEP if version == _version() else REVALIDATE
    headers = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": kept}
    return _answer(request, content, TYPES[name.rpartition(".")[2]], headers)


def _answer(request: Request, content: bytes, mime: str, headers: dict[str, str]) -> Response:
    etag = f'"{_digest(content)}"'
    told = HEADERS | headers | {"ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=told)
    return Response(content, media_type=mime, headers=told)


async def _store_origin(context: Context) -> str | None:
    """The origin of the links that the store serves itself (`PENSTOCK_LINKS=redirect`): pictures come from there."""
    services = context.services
    if services.settings.links != "redirect":
        return None
    sign = partial(services.objects.signed_link, "page", 1, "text/plain", "inline")
    link = None
    with suppress(errors.PlatformError):  # the page works without pictures
        link = await to_thread.run_sync(sign, limiter=context.threads.reads)
    parts = urlsplit(link or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None


@cache
def _index(links: str) -> bytes:
    text = (FOLDER / "index.html").read_text(encoding="utf-8")
    return text.replace(VERSION_MARK, f"page/{_version()}/").replace(LINKS_MARK, f'data-links="{links}"').encode()


@cache
def _version() -> str:
    return _digest(b"".join(content for _, content in sorted(_contents().items())))


@cache
def _contents() -> dict[str, bytes]:
    """The files beside index.html by their names."""
    return {each.name: each.read_bytes() for each in FOLDER.iterdir() if each.name.rpartition(".")[2] in TYPES}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
