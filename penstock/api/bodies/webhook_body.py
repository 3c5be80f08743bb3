"""The body of `POST /webhooks`."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from penstock.domain import errors
from penstock.domain.described_body import DescribedBody, field_violations, given_fields
from penstock.domain.public_request import forbidden_urls
from penstock.domain.request import Url
from penstock.domain.web_addresses import AllowedAddresses
from penstock.domain.webhooks import EVENT_TYPES, EventType


def _once(types: list[EventType]) -> list[EventType]:
    return list(dict.fromkeys(types))


class WebhookBody(DescribedBody):
    """An endpoint that is called when tasks and batches of the project end."""

    url: Url = Field(description="public http(s) address; a redirect is not followed")
    types: Annotated[list[EventType], AfterValidator(_once)] | None = Field(
        None, min_length=1, max_length=len(EVENT_TYPES), description="the events that it is called for; by default all"
    )

    field_rules: ClassVar[Mapping[str, str]] = {
        "url": "must be an http(s) address of at most 2,048 characters",
        "types": f"must be a list of some of {', '.join(EVENT_TYPES)}",
    }


def parse_webhook(body: Any, allowed: AllowedAddresses) -> WebhookBody:
    """Raises `BodyInvalid` for anything but an object, and `InvalidRequest` with every violation."""
    given = given_fields(body, WebhookBody)
    found = field_violations(given, WebhookBody)
    if not any(violation.field == "url" for violation in found):
        found += forbidden_urls(given, allowed)
    if found:
        raise errors.InvalidRequest(tuple(found))
    return WebhookBody.model_validate(given)
