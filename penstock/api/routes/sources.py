"""`/sources`: the seed's name for asking for a conversion, and for what conversions have made."""

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.context import context_of, require_caller, showing
from penstock.api.create_task import BODY, create
from penstock.api.envelope import Envelope, ListEnvelope, answer, list_answer
from penstock.api.pagination import Asked, query_of
from penstock.domain import errors
from penstock.views.resources import FileView, TaskView

router = APIRouter(tags=["sources"])

ASKED: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[TaskView]}}
ONE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[FileView]}}
MANY: dict[int | str, dict[str, Any]] = {200: {"model": ListEnvelope[FileView]}}


@router.post("/sources", responses=ASKED, openapi_extra=BODY, summary="Convert")
async def create_source(request: Request) -> Response:
    """Asks for a conversion; the same request again is the same Task."""
    return await create(request)


@router.get("/sources", responses=MANY, summary="List outputs")
async def list_sources(request: Request, asked: Asked) -> Response:
    files = context_of(request).services.records.files
    listing = await to_thread.run_sync(files.page, require_caller(request).project_id, query_of(asked), "source")
    shown = showing(request)
    return list_answer(request, listing, [shown.file(file) for file in listing.items])


@router.get("/sources/{file_id}", responses=ONE, summary="Read an output")
async def read_source(request: Request, file_id: str) -> Response:
    files = context_of(request).services.records.files
    file = await to_thread.run_sync(files.get, require_caller(request).project_id, file_id)
    if file.object != "source":
        raise errors.FileNotFound("There is no such file.")
    return answer(request, showing(request).file(file), f"/sources/{file.id}", "/sources")
