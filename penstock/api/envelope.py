"""The envelope of every JSON response: `meta` (the request), `data` or `error`, and `links`."""

from collections.abc import Mapping
from typing import Generic, Literal, TypeVar
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel, Field, SerializeAsAny

from penstock.api.context import base_url, caller_of
from penstock.api.error_table import error_headers, problem_of
from penstock.domain import errors
from penstock.domain.pagination import Listing
from penstock.views.tasks import ErrorView

VERSION = "2024-08-21"

Data = TypeVar("Data")


class Meta(BaseModel):
    """The request. The ids are null without a valid API key."""

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
    total: int = Field(description="counted up to 10,000, which means 10,000 or more")
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


class InvalidRequestView(ErrorView):
    """An error with all violations of a request."""

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
    error: InvalidRequestView | ErrorView
    links: Links


# Created once: pydantic is slow to look up a parametrised model.
_OBJECT_ENVELOPE = Envelope[BaseModel]
_LIST_ENVELOPE = ListEnvelope[BaseModel]


def object_response(request: Request, data: BaseModel, path: str, parent: str | None) -> Response:
    """The response with one object; `path` and `parent` are the paths of its links."""
    base = base_url(request)
    links = Links(self=base + path, parent=None if parent is None else base + parent)
    return _json(_OBJECT_ENVELOPE.model_construct(meta=_meta(request, 200, "object"), data=data, links=links))


def list_response(request: Request, listing: Listing[object], data: list[BaseModel]) -> Response:
    """The response with one page of a list."""
    meta = ListMeta(
        **_meta(request, 200, "list").model_dump(),
        total=listing.total,
        page=listing.query.page,
        pages=listing.pages,
        limit=listing.query.limit,
    )
    return _json(_LIST_ENVELOPE.model_construct(meta=meta, data=data, links=_page_links(request, listing)))


def error_response(request: Request, error: errors.MediaError, headers: Mapping[str, str] | None = None) -> Response:
    """The response to an error; its `detail` is not included."""
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
    listed = [Violation(field=one.field, code=one.code, message=one.message) for one in violations]
    return InvalidRequestView(**view.model_dump(), violations=listed)


def _page_links(request: Request, listing: Listing[object]) -> PageLinks:
    page, last = listing.query.page, max(1, listing.pages)
    return PageLinks(
        self=_page_url(request, page),
        first=_page_url(request, 1),
        prev=_page_url(request, min(page - 1, last)) if page > 1 else None,
        next=_page_url(request, page + 1) if listing.has_more else None,
        last=_page_url(request, last),
    )


def _page_url(request: Request, page: int) -> str:
    parameters = {**request.query_params, "page": page}
    return f"{base_url(request)}{request.scope['path']}?{urlencode(parameters)}"
