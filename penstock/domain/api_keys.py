"""API keys, their callers, and the keys that are derived from a project's secret."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Literal

from penstock.domain.ids import KeyId, OrgId, ProjectId
from penstock.domain.task import File

Purpose = Literal["links", "receipts", "webhooks"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a valid API key. `secret` is the project's; pass it to `derive_key`."""

    key_id: KeyId
    project_id: ProjectId
    org_id: OrgId
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its token, which is stored only as a hash. Times are ISO-8601."""

    id: KeyId
    project_id: ProjectId
    created: str
    revoked: str | None
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A file and the secrets that may have signed its link: the project's current one, and the previous one while it
    is still accepted."""

    file: File
    secrets: tuple[str, ...] = field(repr=False)


def derive_key(purpose: Purpose, secret: str) -> str:
    """The project's key for one purpose: 256 bits as 43 base64url characters.

    The expand step of HKDF-SHA256 (RFC 5869 §2.3), without the extract step because the secret is already random. A
    derived key reveals neither the secret nor the key of another purpose."""
    label = f"penstock {purpose}".encode()
    key = hmac.new(secret.encode(), label + b"\x01", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()
