"""JSON bodies, read strictly: limited size, UTF-8, no duplicate names, finite numbers."""

import json
import math
from collections import Counter
from typing import Any, NoReturn

from fastapi import Request

from penstock.domain import errors


async def read_json_body(request: Request, limit: int) -> Any:
    """The decoded body of a request. Raises `MediaTypeUnsupported`, `BodyTooLarge`, `BodyInvalid`."""
    return parse_json(await read_json_bytes(request, limit))


async def read_json_bytes(request: Request, limit: int) -> bytes:
    """The body of a request, to be decoded elsewhere: a large one takes too long for the event loop. Raises
    `MediaTypeUnsupported`, `BodyTooLarge`."""
    _require_json(request.headers.get("content-type"))
    return await read_bytes(request, limit)


def parse_json(body: bytes) -> Any:
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_unique_names, parse_constant=_reject_constant, parse_float=_finite
        )
        # A lone surrogate can be encoded neither in UTF-8 nor in PostgreSQL.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise errors.BodyInvalid(_message(error), detail=str(error)) from error
    return value


def _message(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"The body is not valid JSON: see line {error.lineno}, column {error.colno}."
        case UnicodeError():
            return "The body is not valid UTF-8."
        case _:
            return "The body is not valid JSON: it is nested too deeply, or a number has too many digits."


def is_json(content_type: str | None) -> bool:
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _require_json(content_type: str | None) -> None:
    if content_type and not is_json(content_type):
        raise errors.MediaTypeUnsupported("The Content-Type of the body is not supported; send application/json.")


async def read_bytes(request: Request, limit: int) -> bytes:
    """The body of a request, whatever its type. Raises `BodyTooLarge`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise errors.BodyTooLarge(f"The body is larger than the {limit:,} bytes allowed.")
    return bytes(body)


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        duplicate = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise errors.BodyInvalid(f"The body has the field {duplicate[:64]!r} more than once; send it once.")
    return value


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _reject_constant(number[:64])


def _reject_constant(name: str) -> NoReturn:
    raise errors.BodyInvalid(f"{name} is not a JSON number; send a finite number.")
