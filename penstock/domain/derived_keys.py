"""A key for each purpose, out of a project's one secret: who holds one of them can neither find the secret nor do what
the others are for."""

import base64
import hashlib
import hmac
from typing import Literal

Purpose = Literal["links", "receipts"]


def derive_key(purpose: Purpose, secret: str) -> str:
    """43 letters, of 256 bits: the expand step of HKDF-SHA256 (RFC 5869 §2.3); the secret is random already."""
    label = f"penstock {purpose}".encode()
    key = hmac.new(secret.encode(), label + b"\x01", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()
