"""`/files`: uploads and outputs."""

from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response

from penstock.api.bodies.file_bodies import FileChanges, ImportBody, parse_changes, parse_import
from penstock.api.bodies.json_body import is_json, read_json_body
from penstock.api.bodies.uploads import receive_upload, require_room_for_body
from penstock.api.context import Context, context_of, require_caller, view_builder
from penstock.api.envelope import Envelope, ListEnvelope, list_response, object_response
from penstock.api.pagination import PageParameters, list_query
from penstock.cleanup import purge
from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.domain.task import File
from penstock.host.scratch import scratch_folder
from penstock.records.incoming.imports import NewImport
from penstock.uploads.storing import Declared, store_upload
from penstock.views.tasks import FileView

router = APIRouter(tags=["files"])

FILE_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[FileView]}}
FILE_LIST_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[FileView]}}
RAW_BYTES = {"schema": {"type": "string", "format": "binary"}}
UPLOAD_FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": RAW_BYTES["schema"]}}}
UploadName = Annotated[str, Query(description="the name of the file, in place of the form's")]
IMPORT_EXAMPLE = {"url": "https://example.com/film.mov", "metadata": {"shelf": 7}}
UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": UPLOAD_FORM,
            "application/octet-stream": RAW_BYTES,
            "application/json": {"schema": ImportBody.model_json_schema(), "example": IMPORT_EXAMPLE},
        },
    }
}
CHANGES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": FileChanges.model_json_schema(), "example": {"name": "Holiday.mov"}}
        },
    }
}


@router.post("/files", responses=FILE_RESPONSE, openapi_extra=UPLOAD_BODY, summary="Upload a file")
async def upload_file(request: Request, name: UploadName = "") -> Response:
    """Takes the field `file` of a form, or the raw body: media, or a manifest of a batch, which is CSV or JSON lines by
    its declared type or file name. Rejects other files.

    A body of type `application/json` imports the file at `url`: the File is `processing` at once, and `ready` or
    `failed` once it was fetched. The same import again is the same File; one that failed is tried again."""
    if is_json(request.headers.get("content-type")):
        return await _import_file(request)
    context, caller = context_of(request), require_caller(request)
    require_room_for_body(request, context.services.settings)
    with scratch_folder(context.services.settings.scratch, "upload") as folder:
        path = folder / "input"
        limit = context.services.limits.largest_input_bytes
        declared = await receive_upload(request, path, limit, context.threads.writes)
        store = partial(
            store_upload, path, caller.project_id, Declared(name or declared.name, declared.type), context.services
        )
        async with context.probe_slots.slot(caller.project_id):
            file = await to_thread.run_sync(store, limiter=context.threads.probes)
    return _file_response(request, file)


async def _import_file(request: Request) -> Response:
    context, caller = context_of(request), require_caller(request)
    services = context.services
    body = parse_import(await read_json_body(request, services.settings.max_body_bytes), context.allowed)
    wanted = NewImport(body.url, body.chosen_name, body.metadata)
    submit = partial(services.records.imports.submit, caller.project_id, wanted, services.queue_limits)
    return _file_response(request, await to_thread.run_sync(submit, limiter=context.threads.submissions))


@router.get("/files", responses=FILE_LIST_RESPONSE, summary="List files")
async def list_files(request: Request, parameters: PageParameters) -> Response:
    files = context_of(request).services.records.files
    listing = await to_thread.run_sync(files.page, require_caller(request).project_id, list_query(parameters))
    shown = view_builder(request)
    return list_response(request, listing, [shown.file_view(file) for file in listing.items])


@router.get("/files/{file_id}", responses=FILE_RESPONSE, summary="Read a file")
async def read_file(request: Request, file_id: str) -> Response:
    files = context_of(request).services.records.files
    return _file_response(request, await to_thread.run_sync(files.get, require_caller(request).project_id, file_id))


@router.patch("/files/{file_id}", responses=FILE_RESPONSE, openapi_extra=CHANGES_BODY, summary="Change a file")
async def change_file(request: Request, file_id: str) -> Response:
    """Changes what is sent: the name, the metadata, or both. Tasks keep the name that their input had."""
    services, project_id = context_of(request).services, require_caller(request).project_id
    body = parse_changes(await read_json_body(request, services.settings.max_body_bytes))
    change = partial(services.records.files.update, project_id, file_id, body.chosen_name, body.metadata)
    return _file_response(request, await to_thread.run_sync(change))


@router.delete("/files/{file_id}", responses=FILE_RESPONSE, summary="Delete a file")
async def delete_file(request: Request, file_id: str) -> Response:
    """Deletes its bytes too, unless another file has the same ones. The task that made it then has no output."""
    context, caller = context_of(request), require_caller(request)
    file = await to_thread.run_sync(_delete, context, caller.project_id, file_id, limiter=context.threads.deletions)
    return object_response(request, view_builder(request).deleted_file_view(file), f"/files/{file.id}", "/files")


def _file_response(request: Request, file: File) -> Response:
    return object_response(request, view_builder(request).file_view(file), f"/files/{file.id}", "/files")


def _delete(context: Context, project_id: ProjectId, file_id: str) -> File:
    services = context.services
    file = services.records.files.delete(project_id, file_id)
    with suppress(errors.PlatformError):  # the hourly sweep tries again
        purge(file, services.records, services.objects)
    return file
