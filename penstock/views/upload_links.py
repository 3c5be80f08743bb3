"""Signed links that upload one file without a key."""

import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlencode

from penstock.domain.api_keys import derive_key
from penstock.domain.ids import FileId, ProjectId


@dataclass(frozen=True, slots=True)
class UploadGrant:
    """What a link allows: one file with this id, of at most `max_bytes`, until `expires` (seconds since 1970)."""

    project_id: ProjectId
    file_id: FileId
    name: str
    max_bytes: int
    expires: int

    def signature(self, secret: str) -> str:
        # The name is last, and nothing else can contain a line break.
        text = f"PUT\n{self.project_id}\n{self.file_id}\n{self.max_bytes}\n{self.expires}\n{self.name}"
        return hmac.new(derive_key("links", secret).encode(), text.encode(), hashlib.sha256).hexdigest()

    def is_signed(self, secrets: tuple[str, ...], signature: str) -> bool:
        """Whether the signature was made with one of the secrets."""
        given = signature.encode()
        return any(hmac.compare_digest(self.signature(secret).encode(), given) for secret in secrets)

    def path(self, secret: str) -> str:
        """The path of the link."""
        query = {
            "project": self.project_id,
            "name": self.name,
            "max_bytes": self.max_bytes,
            "expires": self.expires,
            "signature": self.signature(secret),
        }
        return f"/files/{self.file_id}/content?{urlencode(query)}"
