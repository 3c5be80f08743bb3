"""Uploads on their way in: streamed to a file of ours, counted, never held in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from penstock.api.bodies.multipart import file_field
from penstock.domain import errors
from penstock.storage.local_files import write_all

BLOCK = 2**20


async def receive_upload(request: Request, path: Path, limit: int, threads: CapacityLimiter) -> None:
    """Write a request's file, from its form or its raw body, to `path`, in one of these threads.

    Raises `InputTooLarge`, `FieldRequired` for a form without one, `DiskFull`.
    """
    _require_small(int(request.headers.get("content-length") or 0), limit)
    size = 0
    with path.open("xb", buffering=0) as file:
        async for block in _blocks(_content(request)):
            size += len(block)
            _require_small(size, limit)
            await to_thread.run_sync(write_all, file, block, limiter=threads)


def _content(request: Request) -> AsyncIterator[bytes]:
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        return file_field(request.stream(), request.headers["content-type"])
    return request.stream()


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces worth a trip to another thread."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        if len(held) >= BLOCK:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _require_small(size: int, limit: int) -> None:
    if size > limit:
        raise errors.InputTooLarge(f"The file is larger than the {limit:,} bytes allowed.", field="file")
