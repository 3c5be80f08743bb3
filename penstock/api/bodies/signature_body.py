"""The body of `POST /signatures`."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from penstock.api.bodies.file_bodies import MAX_NAME_LENGTH, Name
from penstock.domain import errors
from penstock.domain.described_body import DescribedBody, field_violations, given_fields
from penstock.domain.request import canonical_file_id

MAX_SECONDS = 7 * 86_400
Method = Literal["get", "put"]
_OF_METHOD: dict[Method, str] = {"get": "file_id", "put": "filename"}
# What belongs to one method alone.
_FOREIGN: dict[Method, tuple[str, ...]] = {"get": ("filename", "max_bytes"), "put": ("file_id",)}


def _canonical(file_id: Any) -> Any:
    return canonical_file_id(file_id) if isinstance(file_id, str) else file_id


def _lower(method: Any) -> Any:
    return method.lower() if isinstance(method, str) else method


class SignatureBody(DescribedBody):
    """A link that downloads (`get`) or uploads (`put`) one file without a key."""

    method: Annotated[Method, BeforeValidator(_lower)] = Field("get", description="what the link is for")
    file_id: Annotated[str, BeforeValidator(_canonical)] | None = Field(
        None, pattern=r"^file_[a-z0-9]{8,64}$", description="the file to download; of a get"
    )
    filename: Name | None = Field(None, description="the name of the file to upload; of a put")
    max_bytes: int | None = Field(None, ge=1, description="the largest upload; by default the largest input allowed")
    expiry: int | None = Field(None, ge=0, description="seconds since 1970; by default in an hour, at most in 7 days")

    field_rules: ClassVar[Mapping[str, str]] = {
        "method": "must be get or put",
        "file_id": "must be an id like file_… or med_…",
        "filename": f"must be the name of a file, with at most {MAX_NAME_LENGTH:,} characters",
        "max_bytes": "must be a whole number of bytes of at least 1",
        "expiry": "must be a whole number of seconds since 1970",
    }


def parse_signature(body: Any, now: float) -> SignatureBody:
    """Raises `BodyInvalid` for anything but an object, and `InvalidRequest` with every violation."""
    given = given_fields(body, SignatureBody)
    found = field_violations(given, SignatureBody)
    if found:
        raise errors.InvalidRequest(tuple(found))
    wanted = SignatureBody.model_validate(given)
    if found := [*_contradictions(wanted), *_wrong_expiry(wanted, now)]:
        raise errors.InvalidRequest(tuple(found))
    return wanted


def _contradictions(wanted: SignatureBody) -> list[errors.RequestError]:
    method, needed = wanted.method, _OF_METHOD[wanted.method]
    found: list[errors.RequestError] = [
        errors.FieldInvalid(f"{name} means nothing for a {method}; leave it out.", field=name)
        for name in _FOREIGN[method]
        if getattr(wanted, name) is not None
    ]
    if getattr(wanted, needed) is None:
        found.append(errors.FieldRequired(f"{needed} is required for a {method}.", field=needed))
    return found


def _wrong_expiry(wanted: SignatureBody, now: float) -> list[errors.RequestError]:
    if wanted.expiry is None or now < wanted.expiry <= now + MAX_SECONDS:
        return []
    return [errors.FieldInvalid("expiry must be a time from now to in 7 days, in seconds since 1970.", field="expiry")]
