"""Reads the service's answers: the envelope, and the models in it."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from penstock.client.calls import Answer
from penstock.errors import MediaError, ServiceIncompatible, ServiceUnreachable, error_of

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Meta:
    total: int = 0
    page: int = 1
    pages: int = 1
    limit: int = 0
    project_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Envelope(Generic[T]):
    data: T
    meta: Meta = field(default_factory=Meta)


def envelope_of(answer: Answer, result: type[T]) -> Envelope[T]:
    """The answer's envelope. Raises the error that it carries, and `ServiceIncompatible` for anything else."""
    if not 200 <= answer.status < 300:
        raise error_in(answer)
    try:
        return msgspec.json.decode(answer.content, type=Envelope[result])  # type: ignore[valid-type]
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ServiceIncompatible(
            f"The service at {answer.address} answers in a form that this client does not know ({error}). "
            "Is it a Penstock service, of this version or a newer one?"
        ) from error


def error_in(answer: Answer) -> MediaError:
    """The error of an answer that is none of success."""
    try:
        return error_of(msgspec.json.decode(answer.content)["error"])
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        kind: type[MediaError] = (
            ServiceUnreachable if answer.status >= 500 or answer.status == 429 else ServiceIncompatible
        )
        return kind(f"The service at {answer.address} answered {answer.status} without an error of ours.")


def json_of(model: Any) -> str:
    """A model as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(model), indent=2).decode()


def json_line_of(model: Any) -> str:
    """A model as one line of JSON."""
    return msgspec.json.encode(model).decode()
