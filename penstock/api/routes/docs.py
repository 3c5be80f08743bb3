"""`/docs`: Swagger UI with all its files, so that the page loads nothing from other hosts."""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request, Response

from penstock.domain import errors

router = APIRouter(tags=["docs"], include_in_schema=False)

OURS, SWAGGER_UI = files("penstock.api.routes") / "static", files("fastapi_swagger.resources")
# Folder and MIME type of each file.
FILES: dict[str, tuple[Traversable, str]] = {
    "docs.js": (OURS, "text/javascript"),
    "docs.css": (OURS, "text/css"),
    "icon.svg": (OURS, "image/svg+xml"),
    "swagger-ui-bundle.js": (SWAGGER_UI, "text/javascript"),
    "swagger-ui.css": (SWAGGER_UI, "text/css"),
}
HEADERS = {
    # Swagger UI uses data: images; styles that it sets by script need no permission.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=3600",
}


@router.get("/docs")
async def read_docs() -> Response:
    """The page: every route with its fields and examples."""
    return Response((OURS / "docs.html").read_bytes(), media_type="text/html", headers=HEADERS)


@router.get("/docs/{name}")
async def read_docs_file(request: Request, name: str) -> Response:
    """A file of the page."""
    if name not in FILES:
        raise errors.NotFound("This path does not exist; /docs lists all paths.")
    content, etag = _read(name)
    headers = HEADERS | {"ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=FILES[name][1], headers=headers)


@cache
def _read(name: str) -> tuple[bytes, str]:
    content = (FILES[name][0] / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
