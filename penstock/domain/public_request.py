"""A request as callers of the API may send it: its addresses are those of the web."""

from collections.abc import Mapping
from typing import Any

from penstock.domain import errors
from penstock.domain.request import SourceRequest, parse_request
from penstock.domain.web_addresses import AllowedAddresses, parse_address

URL_FIELDS = ("url", "webhook_url")


def parse_public_request(body: Any, allowed: AllowedAddresses) -> SourceRequest:
    """The request in a decoded body. Raises `BodyInvalid`, or `InvalidRequest` with all violations."""
    forbidden = forbidden_urls(body, allowed) if isinstance(body, Mapping) else []
    try:
        conversion = parse_request(body)
    except errors.InvalidRequest as error:
        invalid = {violation.field for violation in error.violations}
        more = [violation for violation in forbidden if violation.field not in invalid]
        raise errors.InvalidRequest((*error.violations, *more)) from error
    if forbidden:
        raise errors.InvalidRequest(tuple(forbidden))
    return conversion


def forbidden_urls(body: Mapping[str, Any], allowed: AllowedAddresses) -> list[errors.RequestError]:
    """An error for each address in the body that may not be fetched."""
    found: list[errors.RequestError] = []
    for name in URL_FIELDS:
        if isinstance(url := body.get(name), str):
            try:
                parse_address(url, allowed)
            except errors.UrlForbidden as error:
                message = error.message.replace("The url", f"The {name}", 1)
                found.append(errors.UrlForbidden(message, field=name, detail=error.detail))
    return found
