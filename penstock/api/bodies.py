"""JSON bodies, read strictly: of a bounded size, UTF-8, every name once, every number a number."""

import json
from typing import Any, NoReturn

from fastapi import Request

from penstock.domain import errors


async def read_body(request: Request, limit: int) -> Any:
    """The JSON value of a request's body. Raises `MediaTypeUnsupported`, `BodyTooLarge`, `BodyInvalid`."""
    _require_json(request.headers.get("content-type"))
    return read_json(await _bytes_of(request, limit))


def read_json(body: bytes) -> Any:
    try:
        value = json.loads(body.decode(), object_pairs_hook=_each_once, parse_constant=_no_number)
        # Half a surrogate pair is no text: neither UTF-8 nor PostgreSQL can hold it.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as refused:
        raise errors.BodyInvalid("The body must be JSON in UTF-8.", detail=str(refused)) from refused
    return value


def _require_json(content_type: str | None) -> None:
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise errors.MediaTypeUnsupported("Send the body as application/json.")


async def _bytes_of(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise errors.BodyTooLarge(f"The body may have at most {limit:,} bytes.")
    return bytes(body)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise errors.BodyInvalid("A name stands twice in the body.")
    return value


def _no_number(name: str) -> NoReturn:
    raise errors.BodyInvalid(f"{name} is no JSON number.")
