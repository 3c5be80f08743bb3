"""Links that work without a key for a while: signed for the file's project."""

import hashlib
import hmac

from penstock.domain.access import derive_key
from penstock.domain.ids import FileId


def content_path(file_id: FileId, secret: str, expires: int) -> str:
    """Where a file's bytes are served until `expires` (seconds since 1970)."""
    return f"/files/{file_id}/content?expires={expires}&signature={_signature(file_id, secret, expires)}"


def is_valid_signature(file_id: FileId, secret: str, expires: int, signature: str) -> bool:
    return hmac.compare_digest(_signature(file_id, secret, expires).encode(), signature.encode())


def _signature(file_id: FileId, secret: str, expires: int) -> str:
    return hmac.new(
        derive_key("links", secret).encode(), f"GET\n{file_id}\n{expires}".encode(), hashlib.sha256
    ).hexdigest()
