"""The envelope round every answer: who asked what, the data or the error, and where to go from here."""

from collections.abc import Mapping
from typing import Generic, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel, Field, SerializeAsAny

from penstock.api.context import base_url, caller_of
from penstock.api.error_table import error_headers, problem_of
from penstock.domain import errors
from penstock.domain.listing import Listing
from penstock.views.resources import ErrorView

VERSION = "2024-08-21"

Data = TypeVar("Data")


class Meta(BaseModel):
    """The request as it was understood. Ids are null where no key was known."""

    id: str
    org_id: str | None
    project_id: str | None
    method: str
    host: str
    path: str
    version: str = VERSION
    status: int
    type: Literal["object", "list", "error"]


class ListMeta(Meta):
    total: int = Field(description="counts to 10,000 and stops there, meaning 10,000 or more")
    page: int
    pages: int
    limit: int


class Links(BaseModel):
    self: str
    parent: str | None


class PageLinks(BaseModel):
    self: str
    first: str
    prev: str | None
    next: str | None
    last: str


class Violation(BaseModel):
    field: str | None
    code: str
    message: str


class RefusalView(ErrorView):
    """An error of a body: every violation of it at once."""

    violations: list[Violation]


class Envelope(BaseModel, Generic[Data]):
    meta: Meta
    data: SerializeAsAny[Data]
    links: Links


class ListEnvelope(BaseModel, Generic[Data]):
    meta: ListMeta
    data: list[SerializeAsAny[Data]]
    links: PageLinks


class ErrorEnvelope(BaseModel):
    meta: Meta
    data: None
    error: RefusalView | ErrorView
    links: Links


# Looked up once: pydantic takes its time to find the model of a parameter.
_ONE = Envelope[BaseModel]
_MANY = ListEnvelope[BaseModel]


def object_response(request: Request, data: BaseModel, at: str, parent: str | None) -> Response:
    """One object; `at` and `parent` are paths."""
    base = base_url(request)
    links = Links(self=base + at, parent=None if parent is None else base + parent)
    return _json(_ONE.model_construct(meta=_meta(request, 200, "object"), data=data, links=links))


def list_response(request: Request, listing: Listing[object], data: list[BaseModel]) -> Response:
    meta = ListMeta(
        **_meta(request, 200, "list").model_dump(),
        total=listing.total,
        page=listing.query.page,
        pages=listing.pages,
        limit=listing.query.limit,
    )
    return _json(_MANY.model_construct(meta=meta, data=data, links=_page_links(request, listing)))


def error_response(request: Request, error: errors.MediaError, headers: Mapping[str, str] | None = None) -> Response:
    """An error, as the contract tells it; `detail` stays here."""
    problem = problem_of(error)
    links = Links(self=base_url(request) + request.scope["path"], parent=None)
    body = ErrorEnvelope(meta=_meta(request, problem.status, "error"), data=None, error=_error(error), links=links)
    response = _json(body, problem.status)
    response.headers.update({**error_headers(error, problem), **(headers or {})})
    return response


def _json(body: BaseModel, status: int = 200) -> Response:
    return Response(body.model_dump_json(), status, media_type="application/json")


def _meta(request: Request, status: int, kind: Literal["object", "list", "error"]) -> Meta:
    caller = caller_of(request)
    return Meta(
        id=request.scope["state"]["request_id"],
        org_id=caller and caller.org_id,
        project_id=caller and caller.project_id,
        method=request.method,
        host=base_url(request),
        path=request.scope["path"],
        status=status,
        type=kind,
    )


def _error(error: errors.MediaError) -> ErrorView:
    problem = problem_of(error)
    violations = error.violations if isinstance(error, errors.InvalidRequest) else (error,)
    view = ErrorView(
        code=violations[0].code,
        message=error.message,
        field=error.field,
        step=problem.step,
        retryable=problem.retryable,
    )
    if problem.status != 422:
        return view
    told = [Violation(field=one.field, code=one.code, message=one.message) for one in violations]
    return RefusalView(**view.model_dump(), violations=told)


def _page_links(request: Request, listing: Listing[object]) -> PageLinks:
    here, last = listing.query.page, max(1, listing.pages)
    return PageLinks(
        self=_page_url(request, here),
        first=_page_url(request, 1),
        prev=_page_url(request, min(here - 1, last)) if here > 1 else None,
        next=_page_url(request, here + 1) if listing.has_more else None,
        last=_page_url(request, last),
    )


def _page_url(request: Request, page: int) -> str:
    asked = {**request.query_params, "page": page}
    return f"{base_url(request)}{request.scope['path']}?{urlencode(asked)}"
