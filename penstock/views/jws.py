"""A JSON document with its signature, as a compact JWS (RFC 7515) under HMAC-SHA256: any JWT library reads it."""

import base64
import hashlib
import hmac
import json
from typing import Any

_HEADER = {"alg": "HS256", "typ": "penstock-receipt"}


def sign(document: dict[str, Any], secret: str) -> str:
    """`header.payload.signature`, each base64url without padding; the secret's UTF-8 bytes are the key."""
    said = f"{_encoded(_json(_HEADER))}.{_encoded(_json(document))}"
    return f"{said}.{_signature(said, secret)}"


def verified(token: str, secret: str) -> dict[str, Any]:
    """The document. Raises `ValueError` where the signature is not of this secret, or the token is none."""
    said, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(said, secret).encode(), signature.encode()):
        raise ValueError("The signature does not belong to this document.")
    payload = said.partition(".")[2]
    document: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return document


def _signature(said: str, secret: str) -> str:
    return _encoded(hmac.new(secret.encode(), said.encode(), hashlib.sha256).digest())


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
