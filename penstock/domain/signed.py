"""Addresses that are secrets: whoever has one may read what is behind it."""

import re
from urllib.parse import parse_qsl, urlsplit

from penstock.domain import errors

SECRET_NAMES = re.compile(
    r"sig|token|key|secret|pass|auth|credential|policy|jwt|hash|hmac|code|x-amz-|x-goog-", re.IGNORECASE
)


def require_no_secret(url: str) -> None:
    """Refuse an address that would be shown in clear. Raises `FieldInvalid` for one with credentials or a signature."""
    parts = urlsplit(url)
    if (
        parts.username is not None
        or parts.fragment
        or any(SECRET_NAMES.search(name) for name, _ in parse_qsl(parts.query))
    ):
        raise errors.FieldInvalid(
            "url carries a secret, and parameters of a flow run are shown to everybody: send it to the API instead.",
            field="url",
        )
