"""`/formats`: the conversion matrix as data."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from penstock.api.context import context_of
from penstock.api.envelope import Envelope, object_response
from penstock.domain.formats import FORMATS, Format, Kind
from penstock.domain.planning.matrix import conversion_matrix

router = APIRouter(tags=["formats"])


class OutputView(BaseModel):
    kind: Kind
    format: Format
    allowed: bool
    reason: str | None


class InputView(BaseModel):
    kind: Kind
    outputs: list[OutputView]


class ContainerView(BaseModel):
    container: str
    label: str
    tested: bool = Field(description="false: known by its signature; no test of Penstock reads such a file")
    inputs: list[InputView]


class FormatView(BaseModel):
    format: Format
    kind: Kind
    type: str


class FormatsView(BaseModel):
    object: Literal["formats"] = "formats"
    formats: list[FormatView]
    matrix: list[ContainerView]


FORMATS_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[FormatsView]}}


@router.get("/formats", responses=FORMATS_RESPONSE, summary="List formats and conversions")
async def list_formats(request: Request) -> Response:
    """The output formats, and for each input container what it can be converted to, or why not."""
    formats = [FormatView(format=name, kind=facts.kind, type=facts.mime) for name, facts in FORMATS.items()]
    rows = [ContainerView.model_validate(row) for row in conversion_matrix(context_of(request).services.allowed_pairs)]
    return object_response(request, FormatsView(formats=formats, matrix=rows), "/formats", None)
