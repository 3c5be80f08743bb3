"""Uploads, streamed to a local file and never held in memory."""

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from penstock.api.bodies.multipart import DeclaredFile, FileForm
from penstock.domain import errors
from penstock.host.free_space import require_room
from penstock.settings import Settings
from penstock.storage.error_translation import translate_storage_errors
from penstock.storage.local_files import write_all

BLOCK_BYTES = 2**20


def require_room_for_body(request: Request, settings: Settings) -> None:
    """Raises `DiskFull` where the disk has no room for the announced body and what is to stay free."""
    announced = int(request.headers.get("content-length") or 0)
    require_room(settings.scratch, announced, settings.min_free_bytes)


async def receive_upload(request: Request, path: Path, limit: int, threads: CapacityLimiter) -> DeclaredFile:
    """Write the file in a request's form or raw body to a new file at `path`; returns what was said of it.

    Raises `InputTooLarge`, `BodyInvalid` for an invalid form, `FieldRequired` for one without a file, `DiskFull`.
    """
    _require_size(int(request.headers.get("content-length") or 0), limit)
    content_type = request.headers.get("content-type", "")
    form = FileForm(content_type) if content_type.lower().startswith("multipart/") else None
    content = _file_in(form, request.stream()) if form else request.stream()
    size = 0
    with path.open("xb", buffering=0) as file:
        async for block in _blocks(content):
            size += len(block)
            _require_size(size, limit)
            await to_thread.run_sync(write_all, file, block, limiter=threads)
    return form.declared if form else DeclaredFile(content_type)


async def append_body(request: Request, file: io.FileIO, limit: int, threads: CapacityLimiter) -> int:
    """Append the raw body to an open file, block by block; returns its size. Raises `InputTooLarge`, `DiskFull`."""
    _require_size(int(request.headers.get("content-length") or 0), limit)
    size = 0
    try:
        async for block in _blocks(request.stream()):
            _require_size(size + len(block), limit)
            await to_thread.run_sync(write_all, file, block, limiter=threads)
            size += len(block)
    finally:
        await to_thread.run_sync(_sync, file, limiter=threads)
    return size


def _sync(file: io.FileIO) -> None:
    with translate_storage_errors():
        os.fsync(file.fileno())


async def _file_in(form: FileForm, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        for block in form.feed(chunk):
            yield block
    form.require_complete()


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in blocks large enough to be worth a call in another thread, also those before a broken end."""
    buffer = bytearray()
    broken: Exception | None = None
    try:
        async for chunk in chunks:
            buffer += chunk
            if len(buffer) >= BLOCK_BYTES:
                yield bytes(buffer)
                buffer.clear()
    except (ClientDisconnect, errors.InputTimeout) as error:
        broken = error
    if buffer:
        yield bytes(buffer)
    if broken is not None:
        raise broken


def _require_size(size: int, limit: int) -> None:
    if size > limit:
        raise errors.InputTooLarge(f"The file is larger than the {limit:,} bytes allowed.", field="file")
