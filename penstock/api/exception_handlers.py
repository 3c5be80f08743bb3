"""Responses to exceptions: our errors, those of routing and of query parameters, and unexpected ones."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from penstock.api.envelope import error_response
from penstock.domain import errors

ROUTING: dict[int, errors.MediaError] = {
    404: errors.NotFound("This path does not exist; /docs lists all paths."),
    405: errors.MethodNotAllowed("This path does not support this method; the Allow header lists those it supports."),
}
UNEXPECTED = errors.MediaError("An internal error occurred; its details are in the service's log.")
# The protocol wants it in every response.
TUS = {"Tus-Resumable": "1.0.0"}
QUERY_ERRORS: dict[str, type[errors.RequestError]] = {
    "missing": errors.FieldRequired,
    "extra_forbidden": errors.FieldUnknown,
}
# What each query parameter accepts, in place of the framework's messages about integers and strings.
QUERY_RULES = {
    "page": "must be a whole number from 1 to 100,000",
    "limit": "must be a whole number from 1 to 100",
    "format": "must be the name of a format, such as mp4",
    "code": "must be the code of an error, such as input_unreadable",
    "wait": "must be a number of seconds from 0 to 60",
}


def install_handlers(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    app.add_exception_handler(errors.MediaError, _on_media_error)
    app.add_exception_handler(HTTPException, partial(_on_routing_error, routes))
    app.add_exception_handler(RequestValidationError, _on_query_error)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Exception, _on_unexpected_error)


async def _on_media_error(request: Request, error: Exception) -> Response:
    told = TUS if request.scope["path"].startswith("/uploads") else None
    return error_response(request, error if isinstance(error, errors.MediaError) else UNEXPECTED, told)


async def _on_routing_error(routes: Sequence[APIRoute], request: Request, error: Exception) -> Response:
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    if status == 405:
        headers = {"Allow": _allowed_methods(routes, request.scope["path"], dict(headers or {}).get("Allow", ""))}
    return error_response(request, ROUTING.get(status, UNEXPECTED), headers)


def _allowed_methods(routes: Sequence[APIRoute], path: str, allow: str) -> str:
    """All methods of a path for `Allow`; the framework names only those of its first route. HEAD works where GET
    does."""
    methods = {method for route in routes if route.path_regex.fullmatch(path) for method in route.methods or ()}
    methods |= {method.strip() for method in allow.split(",") if method.strip()}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


async def _on_query_error(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    accepted = ", ".join(_accepted_parameters(request))
    return error_response(request, errors.InvalidRequest(tuple(_violation(one, accepted) for one in found)))


def _accepted_parameters(request: Request) -> list[str]:
    """The query parameters of the route; lists declare theirs in one model."""
    route = request.scope.get("route")
    declared = [field.field_info.annotation for field in route.dependant.query_params] if route else []
    return [name for model in declared for name in getattr(model, "model_fields", ())]


def _violation(found: dict[str, Any], accepted: str) -> errors.RequestError:
    name = str(found["loc"][-1])[:64]
    kind = QUERY_ERRORS.get(found["type"], errors.FieldInvalid)
    if kind is errors.FieldUnknown:
        return kind(f"{name} is not a parameter of this path; it accepts {accepted}.", field=name)
    words = str(found.get("ctx", {}).get("expected", "")).replace("'", "")
    rule = f"must be {words}" if found["type"] == "literal_error" else QUERY_RULES.get(name, "is not valid")
    return kind(f"{name} {rule}.", field=name)


async def _on_disconnect(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


async def _on_unexpected_error(request: Request, _error: Exception) -> Response:
    return error_response(request, UNEXPECTED)
