"""What a child answered, read as a stranger's word: an input that took its decoder over speaks through it."""

import json
import math
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from penstock.domain import errors

T = TypeVar("T")

# What a child may refuse with; the rest of the tree is the parent's to say.
REFUSALS: dict[str, type[errors.MediaError]] = {
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
# Every figure of ours fits: bytes, pixels, frames, seconds. What JSON readers and the records hold exactly is more.
_GREATEST = 2**53
_TEXT_CHARACTERS = 2000
_DEEPEST = 20


class Nonsense(ValueError):
    """An answer that no function of ours gives."""


@dataclass(frozen=True, slots=True)
class Reader(Generic[T]):
    """Reads the value that one function answers."""

    adapter: TypeAdapter[T]

    def read(self, said: bytes) -> T:
        """The value. Raises the error that the child told of, or `Nonsense`."""
        try:
            told = json.loads(said)
            if set(told) == {"refusal"}:
                refused = _refusal(told["refusal"])
            else:
                return self.adapter.validate_python(_plain(told["value"]))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ArithmeticError) as wrong:
            raise Nonsense(f"{type(wrong).__name__}: {wrong}"[:_DETAIL_CHARACTERS]) from wrong
        raise refused


def _refusal(told: dict[str, Any]) -> errors.MediaError:
    message, detail = str(told["message"]), str(told["detail"])
    tidy = "".join(letter for letter in message if letter.isprintable())[:_MESSAGE_CHARACTERS]
    return REFUSALS[told["name"]](tidy, detail=detail[:_DETAIL_CHARACTERS])


def _plain(value: Any, depth: int = 0) -> Any:
    """The same value, of which every figure and text fits into the records and into anybody's JSON."""
    if depth > _DEEPEST:
        raise Nonsense("an answer within an answer, too often")
    match value:
        case dict():
            return {_text(name): _plain(one, depth + 1) for name, one in value.items()}
        case list():
            return [_plain(one, depth + 1) for one in value]
        case str():
            return _text(value)
        case bool() | None:
            return value
        case _:
            return _figure(value)


def _text(value: str) -> str:
    if len(value) > _TEXT_CHARACTERS or not value.isprintable():
        raise Nonsense(f"a text of {len(value)} characters, or of odd ones")
    return value


def _figure(value: float) -> float:
    if not math.isfinite(value) or abs(value) > _GREATEST:
        raise Nonsense(f"the figure {value}")
    return value
