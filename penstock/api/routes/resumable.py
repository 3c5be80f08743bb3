"""`/uploads`: resumable uploads by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload), with creation,
expiration and termination. The id of an upload is that of the File that it becomes."""

import base64
import binascii
from collections.abc import Mapping
from contextlib import ExitStack
from email.utils import formatdate
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.bodies.uploads import append_body
from penstock.api.context import Context, base_url, context_of, require_caller
from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.domain.task import File
from penstock.uploads.resumable import About, Unfinished
from penstock.uploads.storing import Declared, store_upload

router = APIRouter(tags=["files"], default_response_class=Response)  # no answer of the protocol has a body

VERSION = "1.0.0"
CONTENT_TYPE = "application/offset+octet-stream"
MAX_METADATA_LENGTH = 4096
MAX_DIGITS = 15

Responses = dict[int | str, dict[str, Any]]
RESPONSES: Responses = {412: {"description": "Tus-Resumable is not 1.0.0; the response has no body"}}
OFFSET_RESPONSES: Responses = RESPONSES | {423: {"description": "another request makes it a File; without a body"}}


_BYTES = {"schema": {"type": "integer", "minimum": 0, "maximum": 10**MAX_DIGITS - 1}}
_HEADERS: dict[str, dict[str, Any]] = {
    "Tus-Resumable": {"schema": {"const": VERSION}},
    "Upload-Length": _BYTES | {"description": "how many bytes the file has"},
    "Upload-Offset": _BYTES | {"description": "how many bytes have come"},
}


def _described(*names: str) -> dict[str, Any]:
    """These headers of a request, for the OpenAPI document."""
    return {"parameters": [{"in": "header", "name": name, "required": True, **_HEADERS[name]} for name in names]}


@router.options("/uploads", summary="Read what resumable uploads support", status_code=204)
async def read_support(request: Request) -> Response:
    told = {"Tus-Version": VERSION, "Tus-Extension": "creation,expiration,termination"}
    return _answer(204, told | {"Tus-Max-Size": str(context_of(request).services.limits.largest_input_bytes)})


@router.post(
    "/uploads",
    summary="Begin a resumable upload",
    status_code=201,
    responses=RESPONSES,
    openapi_extra=_described("Tus-Resumable", "Upload-Length"),
)
async def create_upload(request: Request) -> Response:
    """Takes `Upload-Length`, and in `Upload-Metadata` `filename` and `filetype`. `Location` is the address of the
    upload, whose last part is the id of the File that it becomes."""
    if refused := _wrong_version(request):
        return refused
    context, project_id = context_of(request), require_caller(request).project_id
    about = _about(request.headers, context.services.limits.largest_input_bytes)
    create = partial(context.unfinished_uploads.create, project_id, about)
    found = await to_thread.run_sync(create, limiter=context.threads.writes)
    return _answer(201, _progress(found) | {"Location": f"{base_url(request)}/uploads/{found.id}"})


@router.head(
    "/uploads/{file_id}",
    summary="Read how far an upload is",
    responses=OFFSET_RESPONSES,
    openapi_extra=_described("Tus-Resumable"),
)
async def read_offset(request: Request, file_id: str) -> Response:
    """`Upload-Offset` is how many bytes have come; it is `Upload-Length` once the upload is a File. 423 while another
    request makes it one."""
    if refused := _wrong_version(request):
        return refused
    context, project_id = context_of(request), require_caller(request).project_id
    found = await to_thread.run_sync(_find, context, project_id, file_id, limiter=context.threads.links)
    if isinstance(found, Unfinished) and found.offset == found.about.length:  # the API died before it was stored
        try:
            await _write(request, context, project_id, found, has_body=False)
        except errors.FileInUse:  # a response without a body has no code; clients of the protocol know this status
            return _answer(423, {"Retry-After": "1"})
        found = await to_thread.run_sync(_find, context, project_id, file_id, limiter=context.threads.links)
    return _answer(200, _progress(found) | {"Cache-Control": "no-store"})


@router.patch(
    "/uploads/{file_id}",
    summary="Continue an upload",
    status_code=204,
    responses=RESPONSES,
    openapi_extra=_described("Tus-Resumable", "Upload-Offset"),
)
async def continue_upload(request: Request, file_id: str) -> Response:
    """Appends the body at `Upload-Offset`. What has come is kept when the connection breaks. The last byte makes the
    File: one that is no media is refused, and deleted."""
    if refused := _wrong_version(request):
        return refused
    if request.headers.get("content-type", "") != CONTENT_TYPE:
        raise errors.MediaTypeUnsupported(f"The Content-Type of this request must be {CONTENT_TYPE}.")
    context, project_id = context_of(request), require_caller(request).project_id
    found = await to_thread.run_sync(_find, context, project_id, file_id, limiter=context.threads.links)
    offset = _whole(request.headers, "upload-offset")
    if isinstance(found, File):
        _require_offset(offset, found.facts.filesize)
        return _answer(204, _progress(found))
    return _answer(204, await _write(request, context, project_id, found, has_body=True))


@router.delete(
    "/uploads/{file_id}",
    summary="Delete an unfinished upload",
    status_code=204,
    responses=RESPONSES,
    openapi_extra=_described("Tus-Resumable"),
)
async def delete_upload(request: Request, file_id: str) -> Response:
    """Deletes what has come of it. Once it is a File, `DELETE /files/{file_id}` does."""
    if refused := _wrong_version(request):
        return refused
    context, project_id = context_of(request), require_caller(request).project_id
    await to_thread.run_sync(_delete, context, project_id, file_id, limiter=context.threads.deletions)
    return _answer(204, {})


async def _write(
    request: Request, context: Context, project_id: ProjectId, known: Unfinished, *, has_body: bool
) -> dict[str, str]:
    """Append the body, and make the File if that is the whole upload. Returns the headers that say how far it is."""
    uploads = context.unfinished_uploads
    with ExitStack() as held:
        found, part = held.enter_context(uploads.writing(project_id, known.id))
        end, length = found.offset, found.about.length
        if has_body:
            _require_offset(_whole(request.headers, "upload-offset"), found.offset)
            end += await append_body(request, part, length - found.offset, context.threads.writes)
        if end < length:
            return _progress(found) | {"Upload-Offset": str(end)}
        async with context.probe_slots.slot(project_id):
            await to_thread.run_sync(_store, context, project_id, found, limiter=context.threads.probes)
        return {"Upload-Offset": str(end), "Upload-Length": str(length)}


def _store(context: Context, project_id: ProjectId, found: Unfinished) -> None:
    """Make the upload a File. It is kept where that may succeed later."""
    services, about = context.services, found.about
    try:
        if not services.records.files.is_recorded(found.id):
            store_upload(found.part, project_id, Declared(about.name, about.type), services, found.id)
    except errors.MediaError as error:
        if not error.transient:
            context.unfinished_uploads.remove(found)
        raise
    context.unfinished_uploads.remove(found)


def _find(context: Context, project_id: ProjectId, file_id: str) -> Unfinished | File:
    """The unfinished upload, or the File that it became. Raises `FileNotFound`."""
    try:
        return context.unfinished_uploads.get(project_id, file_id)
    except errors.FileNotFound:
        file = context.services.records.files.get(project_id, file_id)
        if file.object != "file" or file.status != "ready":
            raise
        return file


def _delete(context: Context, project_id: ProjectId, file_id: str) -> None:
    uploads = context.unfinished_uploads
    with uploads.writing(project_id, file_id) as (found, _part):
        uploads.remove(found)


def _about(headers: Mapping[str, str], largest: int) -> About:
    length, metadata = _whole(headers, "upload-length"), headers.get("upload-metadata", "")
    if length > largest:
        raise errors.InputTooLarge(f"The file is larger than the {largest:,} bytes allowed.", field="Upload-Length")
    if length == 0:
        raise errors.FieldInvalid("Upload-Length must be at least 1: an empty file is no media.", field="Upload-Length")
    if len(metadata) > MAX_METADATA_LENGTH:
        raise errors.FieldInvalid(
            f"Upload-Metadata is longer than the {MAX_METADATA_LENGTH:,} characters allowed.", field="Upload-Metadata"
        )
    told = dict(map(_pair, metadata.split(","))) if metadata else {}
    return About(length, told.get("filename", told.get("name", "")), told.get("filetype", ""), metadata)


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.strip().partition(" ")
    try:
        return key, base64.b64decode(value, validate=True).decode(errors="replace")
    except (binascii.Error, ValueError) as error:
        raise errors.FieldInvalid(
            "Upload-Metadata must have comma-separated keys, each with a space and its value in base64.",
            field="Upload-Metadata",
        ) from error


def _whole(headers: Mapping[str, str], name: str) -> int:
    text, shown = headers.get(name, ""), "-".join(part.capitalize() for part in name.split("-"))
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return int(text)
    raise errors.FieldInvalid(f"{shown} must be a whole number of bytes.", field=shown)


def _require_offset(given: int, expected: int) -> None:
    if given != expected:
        raise errors.FileInUse(f"The upload continues at byte {expected:,}, not at {given:,}.", field="Upload-Offset")


def _wrong_version(request: Request) -> Response | None:
    if request.headers.get("tus-resumable") == VERSION:
        return None
    return _answer(412, {"Tus-Version": VERSION})


def _progress(found: Unfinished | File) -> dict[str, str]:
    if isinstance(found, File):
        return {"Upload-Offset": str(found.facts.filesize), "Upload-Length": str(found.facts.filesize)}
    told = {"Upload-Metadata": found.about.metadata} if found.about.metadata else {}
    return told | {
        "Upload-Offset": str(found.offset),
        "Upload-Length": str(found.about.length),
        "Upload-Expires": formatdate(found.expires, usegmt=True),
    }


def _answer(status: int, headers: dict[str, str]) -> Response:
    return Response(status_code=status, headers={"Tus-Resumable": VERSION} | headers)
