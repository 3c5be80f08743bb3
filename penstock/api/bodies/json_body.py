"""JSON bodies, read strictly: of a bounded size, UTF-8, every name once, every number a number."""

import json
from collections import Counter
from typing import Any, NoReturn

from fastapi import Request

from penstock.domain import errors


async def read_json_body(request: Request, limit: int) -> Any:
    """The JSON value of a request's body. Raises `MediaTypeUnsupported`, `BodyTooLarge`, `BodyInvalid`."""
    _require_json(request.headers.get("content-type"))
    return parse_json(await _bytes_of(request, limit))


def parse_json(body: bytes) -> Any:
    try:
        value = json.loads(body.decode(), object_pairs_hook=_each_once, parse_constant=_no_number)
        # Half a surrogate pair is no text: neither UTF-8 nor PostgreSQL can hold it.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as refused:
        raise errors.BodyInvalid(_fault(refused), detail=str(refused)) from refused
    return value


def _fault(refused: Exception) -> str:
    match refused:
        case json.JSONDecodeError():
            return f"The body is not valid JSON: see line {refused.lineno}, column {refused.colno}."
        case UnicodeError():
            return "The body is not valid UTF-8."
        case _:
            return "The body is not valid JSON: it is nested too deeply, or has a number of too many digits."


def _require_json(content_type: str | None) -> None:
    kind = (content_type or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise errors.MediaTypeUnsupported("The Content-Type of the body is not supported; send application/json.")


async def _bytes_of(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise errors.BodyTooLarge(f"The body is larger than the {limit:,} bytes allowed.")
    return bytes(body)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise errors.BodyInvalid(f"The body has the field {twice[:64]!r} more than once; send it once.")
    return value


def _no_number(name: str) -> NoReturn:
    raise errors.BodyInvalid(f"{name} is not a JSON number; send a finite number.")
