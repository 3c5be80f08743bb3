"""A request of a batch's line or of a deployment: also of files in folders and prefixes, with a destination."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from penstock.domain.request import SourceRequest, parse_request_as

MAX_ADDRESS_CHARACTERS = 8192
Address = Annotated[str, Field(min_length=1, max_length=MAX_ADDRESS_CHARACTERS, pattern=r"^[^\x00-\x20\x7f]+$")]


class LineRequest(SourceRequest):
    """A request whose `url` may be `file:///…`, `s3://…` or of another fsspec protocol. The public API accepts none."""

    url: Address | None = Field(None, description="address of the input")
    destination: Address | None = Field(None, description="address of the output; if not set, it is stored here")

    replaces: bool = Field(default=False, description="replace a file that has the address of the output")

    field_rules: ClassVar[Mapping[str, str]] = {
        **SourceRequest.field_rules,
        "url": f"must be an address of at most {MAX_ADDRESS_CHARACTERS:,} characters",
        "destination": f"must be an address of at most {MAX_ADDRESS_CHARACTERS:,} characters",
        "replaces": "must be true or false",
    }

    def _options(self) -> dict[str, Any]:
        """Without a destination the output is that of the same `SourceRequest`."""
        options = super()._options()
        left_out = {"replaces"} if self.destination else {"replaces", "destination"}
        return {name: options[name] for name in options if name not in left_out}


def line_request(
    defaults: Mapping[str, Any], fields: Mapping[str, Any], input_address: str | None, destination: str | None
) -> LineRequest:
    """The request of a line: its own fields over the defaults. `input_address` replaces `url`, if given.

    Raises `InvalidRequest` with every violation."""
    named = {"destination": destination} | ({"url": input_address} if input_address else {})
    return parse_request_as(LineRequest, {**defaults, **fields, **named})


def request_fields(request: SourceRequest) -> dict[str, Any]:
    """The request as it is stored in a task's row; a `LineRequest` always with its destination, also with none."""
    stored = request.model_dump(mode="json", exclude_defaults=True)
    return stored | ({"destination": request.destination} if isinstance(request, LineRequest) else {})


def stored_request(row: Mapping[str, Any], batch: str | None) -> SourceRequest:
    """The request in a task's row: a `LineRequest` for one of a batch, or where `request_fields` noted that it is one.

    The address does not decide: whoever sends `file:///…` to the API must not get a `LineRequest`."""
    return (LineRequest if batch or "destination" in row else SourceRequest).model_validate(row)
