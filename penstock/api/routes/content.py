"""`/files/{id}/content`: the bytes of a file, by a signed link."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from penstock.api.byte_ranges import NotModified, RequestedRange, Unsatisfiable, WholeFile, requested_range
from penstock.api.context import Context, context_of
from penstock.api.links import open_link
from penstock.conversion.inputs import require_stored
from penstock.domain import errors
from penstock.domain.file_names import content_disposition
from penstock.domain.task import File
from penstock.views.tasks import is_valid_link_signature

router = APIRouter(tags=["files"])

INVALID = "This link is invalid or has expired; read the file again to get a new link."


@router.get("/files/{file_id}/content", summary="Download a file", response_class=StreamingResponse)
@router.head("/files/{file_id}/content", summary="Read the headers of a file", response_class=Response)
async def read_content(request: Request, file_id: str, expires: str = "", signature: str = "") -> Response:
    """Needs no API key: the link is signed. Serves byte ranges."""
    context = context_of(request)
    file = await _linked(request, file_id, expires, signature)
    require_stored(file)
    if context.services.settings.links == "redirect" and (link := await _store_link(context, file)):
        return RedirectResponse(link, headers={"Cache-Control": "no-store"})
    return await _content(request, file, context)


async def _linked(request: Request, file_id: str, expires: str, signature: str) -> File:
    """The file of a valid link. Raises `TokenInvalid`, or `RateLimited` for an address that sends many invalid
    links."""
    until = int(expires) if expires.isascii() and expires.isdigit() and len(expires) <= 12 else 0
    return await open_link(
        request, until, partial(_find_signed, context_of(request), file_id, until, signature), INVALID
    )


def _find_signed(context: Context, file_id: str, until: int, signature: str) -> File | None:
    """The file; None for a wrong signature as for an unknown file, so that links reveal nothing."""
    try:
        linked = context.services.records.files.get_for_link(file_id)
    except errors.FileNotFound:
        return None
    signed = any(is_valid_link_signature(linked.file.id, secret, until, signature) for secret in linked.secrets)
    return linked.file if signed else None


async def _store_link(context: Context, file: File) -> str | None:
    services = context.services
    parameters = (file.key, services.settings.link_seconds, file.facts.type, _download_header(file))
    return await to_thread.run_sync(services.objects.signed_link, *parameters, limiter=context.threads.reads)


async def _content(request: Request, file: File, context: Context) -> Response:
    etag, size = f'"{file.facts.sha256}"', file.facts.filesize
    headers = _headers(file, etag)
    match requested_range(request.headers, etag, size):
        case NotModified():
            return Response(status_code=304, headers=headers)
        case Unsatisfiable():
            return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
        case WholeFile():
            return await _stream(request, file, context, RequestedRange(0, size - 1), (200, headers))
        case RequestedRange() as part:
            headers["Content-Range"] = f"bytes {part.start}-{part.end}/{size}"
            return await _stream(request, file, context, part, (206, headers))


async def _stream(
    request: Request, file: File, context: Context, part: RequestedRange, head: tuple[int, dict[str, str]]
) -> Response:
    status, headers = head
    headers |= {"Content-Length": str(part.length), "Content-Type": file.facts.type}
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    blocks = context.services.objects.read(file.key, part.start, part.length)
    # The first block is read before the response starts, so that an error of the storage can still be reported.
    first = await to_thread.run_sync(next, blocks, b"", limiter=context.threads.reads)
    return StreamingResponse(_blocks(first, blocks, context.threads.reads), status, headers)


async def _blocks(first: bytes, blocks: Iterator[bytes], threads: CapacityLimiter) -> AsyncIterator[bytes]:
    block = first
    while block:
        yield block
        block = await to_thread.run_sync(next, blocks, b"", limiter=threads)


def _download_header(file: File) -> str:
    return content_disposition(file.name or f"{file.id}.{file.facts.format}")


def _headers(file: File, etag: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600, immutable",
        "Content-Disposition": _download_header(file),
        "Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
