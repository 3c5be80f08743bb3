"""Addresses that carry a secret: a parameter names a Secret block of Prefect, because Prefect shows parameters."""

from collections.abc import Mapping
from typing import Any, cast

from prefect.blocks.system import Secret

from penstock.domain import errors
from penstock.domain.request import SourceRequest, parse_request_as
from penstock.domain.request_form import parse_parameter

SECRET_BLOCK = "secret-block:"  # noqa: S105 - the prefix of a name
WEB = ("http://", "https://")


def parse_parameter_with_secret(given: Any) -> SourceRequest:
    """The request of a parameter; the url `secret-block:NAME` is the address in the Secret block of this name.
    Raises as `parse_parameter`, and `FieldInvalid` for a block that does not exist or holds no http(s) address."""
    url = given.get("url") if isinstance(given, Mapping) else None
    if not isinstance(url, str) or not url.startswith(SECRET_BLOCK):
        return parse_parameter(given)
    # Everything else is refused before a secret is read.
    checked = parse_parameter({**given, "url": "https://example.com/"})
    fields = checked.model_dump(exclude_defaults=True) | {"url": _address_in(url.removeprefix(SECRET_BLOCK))}
    return parse_request_as(type(checked), fields)


def _address_in(name: str) -> str:
    try:
        # A blocking task of an async flow may run in the thread of its loop.
        block = cast(Secret[Any], Secret.load(name, _sync=True))  # type: ignore[call-arg] # Prefect hides it
    except ValueError as error:
        raise errors.FieldInvalid("url names a Secret block that does not exist in Prefect.", field="url") from error
    address = block.get()
    if not isinstance(address, str) or not address.lower().startswith(WEB):
        raise errors.FieldInvalid("url names a Secret block that holds no http(s) address.", field="url")
    return address
