"""`/sources`: submits conversions as `/tasks` does; reads and lists their outputs."""

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.context import context_of, require_caller, view_builder
from penstock.api.envelope import Envelope, ListEnvelope, list_response, object_response
from penstock.api.pagination import PageParameters, list_query
from penstock.api.task_requests import CONVERSION_BODY, post_request
from penstock.domain import errors
from penstock.views.tasks import FileView, TaskView

router = APIRouter(tags=["sources"])

CREATED_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[TaskView]}}
SOURCE_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[FileView]}}
SOURCE_LIST_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[FileView]}}


@router.post("/sources", responses=CREATED_RESPONSE, openapi_extra=CONVERSION_BODY, summary="Convert")
async def create_source(request: Request) -> Response:
    """Submits a conversion. The same request again returns the same Task."""
    return await post_request(request)


@router.get("/sources", responses=SOURCE_LIST_RESPONSE, summary="List outputs")
async def list_sources(request: Request, parameters: PageParameters) -> Response:
    files = context_of(request).services.records.files
    listing = await to_thread.run_sync(files.page, require_caller(request).project_id, list_query(parameters), "source")
    shown = view_builder(request)
    return list_response(request, listing, [shown.file_view(file) for file in listing.items])


@router.get("/sources/{file_id}", responses=SOURCE_RESPONSE, summary="Read an output")
async def read_source(request: Request, file_id: str) -> Response:
    files = context_of(request).services.records.files
    file = await to_thread.run_sync(files.get, require_caller(request).project_id, file_id)
    if file.object != "source":
        raise errors.FileNotFound("There is no such file.")
    return object_response(request, view_builder(request).file_view(file), f"/sources/{file.id}", "/sources")
