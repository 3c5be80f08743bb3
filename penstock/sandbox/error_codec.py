"""Results and errors on their way from a child to its parent, as JSON.

A decoder that an input has taken over can write anything here, so the parent checks every value that it reads.
"""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from penstock.domain import errors

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

# The errors that a child may report. All others are for the parent to raise.
CHILD_ERRORS: dict[str, type[errors.MediaError]] = {
    kind.__name__: kind
    for kind in (
        errors.InputUnreadable,
        errors.InputTruncated,
        errors.InputLimitsExceeded,
        errors.EngineError,
        errors.OutputInvalid,
        errors.ResourceLimit,
        errors.DiskFull,
    )
}
_MESSAGE_CHARACTERS = 500
_DETAIL_CHARACTERS = 2000
# All our numbers are smaller. Larger integers are inexact in many JSON readers (RFC 8259 §6).
_MAX_NUMBER = 2**53
_TEXT_CHARACTERS = 2000
_MAX_DEPTH = 20


class InvalidResult(ValueError):
    """A result that none of our functions returns."""


def encoded_value(value: Any) -> dict[str, Any]:
    """A function's return value, ready for JSON."""
    is_instance = dataclasses.is_dataclass(value) and not isinstance(value, type)
    return {"value": dataclasses.asdict(value) if is_instance else value}


def encoded_error(error: errors.MediaError) -> dict[str, Any]:
    """An error that a function raised, ready for JSON."""
    return {"error": {"name": type(error).__name__, "message": error.message, "detail": error.detail[-500:]}}


@dataclass(frozen=True, slots=True)
class ResultDecoder(Generic[T]):
    """Decodes the results of one function."""

    adapter: "TypeAdapter[T]"

    def decode(self, output: bytes) -> T:
        """The returned value. Raises the error that the child reported, or `InvalidResult`."""
        try:
            message = json.loads(output)
            if set(message) == {"error"}:
                error = _decoded_error(message["error"])
            else:
                return self.adapter.validate_python(_checked(message["value"]))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ArithmeticError) as invalid:
            raise InvalidResult(f"{type(invalid).__name__}: {invalid}"[:_DETAIL_CHARACTERS]) from invalid
        raise error


def _decoded_error(fields: dict[str, Any]) -> errors.MediaError:
    message, detail = str(fields["message"]), str(fields["detail"])
    printable = "".join(letter for letter in message if letter.isprintable())[:_MESSAGE_CHARACTERS]
    return CHILD_ERRORS[fields["name"]](printable, detail=detail[:_DETAIL_CHARACTERS])


def _checked(value: Any, depth: int = 0) -> Any:
    """The same value. Raises `InvalidResult` for a number or a text that the records cannot hold."""
    if depth > _MAX_DEPTH:
        raise InvalidResult(f"more than {_MAX_DEPTH} levels")
    match value:
        case dict():
            return {_checked_text(name): _checked(one, depth + 1) for name, one in value.items()}
        case list():
            return [_checked(one, depth + 1) for one in value]
        case str():
            return _checked_text(value)
        case bool() | None:
            return value
        case _:
            return _checked_number(value)


def _checked_text(value: str) -> str:
    if len(value) > _TEXT_CHARACTERS or not value.isprintable():
        raise InvalidResult(f"a text of {len(value)} characters, or with unprintable ones")
    return value


def _checked_number(value: float) -> float:
    if not math.isfinite(value) or abs(value) > _MAX_NUMBER:
        raise InvalidResult(f"the number {value}")
    return value
