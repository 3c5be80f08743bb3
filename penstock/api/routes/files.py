"""`/files`: uploads and outputs."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response

from penstock import engines
from penstock.api.bodies.uploads import receive_upload
from penstock.api.context import Context, context_of, require_caller, view_builder
from penstock.api.envelope import Envelope, ListEnvelope, list_response, object_response
from penstock.api.pagination import PageParameters, list_query
from penstock.batches.uploaded_manifest import is_manifest, manifest_facts
from penstock.cleanup import purge
from penstock.domain import errors
from penstock.domain.file_names import clean_name
from penstock.domain.formats import KINDS
from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.media import Media
from penstock.domain.task import File, FileFacts
from penstock.host.scratch import scratch_folder
from penstock.services import Services
from penstock.views.tasks import FileView

router = APIRouter(tags=["files"])

FILE_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[FileView]}}
FILE_LIST_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[FileView]}}
RAW_BYTES = {"schema": {"type": "string", "format": "binary"}}
UPLOAD_FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": RAW_BYTES["schema"]}}}
UploadName = Annotated[str, Query(description="the name of the file, in place of the form's")]
UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": UPLOAD_FORM, "application/octet-stream": RAW_BYTES},
    }
}


@router.post("/files", responses=FILE_RESPONSE, openapi_extra=UPLOAD_BODY, summary="Upload a file")
async def upload_file(request: Request, name: UploadName = "") -> Response:
    """Takes the field `file` of a form, or the raw body: media, or a manifest of a batch, which is CSV or JSON lines by
    its declared type or file name. Rejects other files."""
    context, caller = context_of(request), require_caller(request)
    with scratch_folder(context.services.settings.scratch, "upload") as folder:
        path = folder / "input"
        limit = max(map(context.services.limits.input_bytes, KINDS))
        declared = await receive_upload(request, path, limit, context.threads.writes)
        name = name or declared.name
        read = _manifest if is_manifest(declared.type, name) else _media
        store = partial(_store, context.services, caller.project_id, path, read, clean_name(name))
        async with context.probe_slots.slot(caller.project_id):
            file = await to_thread.run_sync(store, limiter=context.threads.probes)
    return object_response(request, view_builder(request).file_view(file), f"/files/{file.id}", "/files")


@router.get("/files", responses=FILE_LIST_RESPONSE, summary="List files")
async def list_files(request: Request, parameters: PageParameters) -> Response:
    files = context_of(request).services.records.files
    listing = await to_thread.run_sync(files.page, require_caller(request).project_id, list_query(parameters))
    shown = view_builder(request)
    return list_response(request, listing, [shown.file_view(file) for file in listing.items])


@router.get("/files/{file_id}", responses=FILE_RESPONSE, summary="Read a file")
async def read_file(request: Request, file_id: str) -> Response:
    files = context_of(request).services.records.files
    file = await to_thread.run_sync(files.get, require_caller(request).project_id, file_id)
    return object_response(request, view_builder(request).file_view(file), f"/files/{file.id}", "/files")


@router.delete("/files/{file_id}", responses=FILE_RESPONSE, summary="Delete a file")
async def delete_file(request: Request, file_id: str) -> Response:
    """Deletes its bytes too, unless another file has the same ones. The task that made it then has no output."""
    context, caller = context_of(request), require_caller(request)
    file = await to_thread.run_sync(_delete, context, caller.project_id, file_id, limiter=context.threads.deletions)
    return object_response(request, view_builder(request).deleted_file_view(file), f"/files/{file.id}", "/files")


@dataclass(frozen=True, slots=True)
class _Upload:
    facts: FileFacts
    media: Media | None


def _media(services: Services, path: Path) -> _Upload:
    media = engines.probe(path, services.tools)
    services.limits.require_fitting(media.kind, media.filesize)
    return _Upload(engines.file_facts(path, media), media)


def _manifest(services: Services, path: Path) -> _Upload:
    return _Upload(manifest_facts(path, services.settings.max_manifest_bytes), None)


def _store(
    services: Services, project_id: ProjectId, path: Path, read: Callable[[Services, Path], _Upload], name: str | None
) -> File:
    upload = read(services, path)
    file_id, now, facts = new_file_id(), datetime.now(UTC), upload.facts
    file = File(file_id, project_id, "file", facts, f"{project_id}/{file_id}", None, now, now, upload.media, name=name)
    services.objects.put(path, file.key, facts.type)
    try:
        return services.records.files.add(file)
    except Exception:  # the bytes of a file without a row are never found again
        _delete_unrecorded(services, file)
        raise


def _delete_unrecorded(services: Services, file: File) -> None:
    """Delete the bytes of a file that was not recorded. If the commit was not confirmed the row may exist: then, and
    while the database is unavailable, the bytes stay."""
    with suppress(errors.PlatformError):
        if not services.records.files.is_recorded(file.id):
            services.objects.delete(file.key)


def _delete(context: Context, project_id: ProjectId, file_id: str) -> File:
    services = context.services
    file = services.records.files.delete(project_id, file_id)
    with suppress(errors.PlatformError):  # the hourly sweep tries again
        purge(file, services.records, services.objects)
    return file
