"""Messages of Amazon SNS: their signature, and the confirmation of a subscription.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from penstock.domain import errors

# Of the fields that are signed, in this order; `Subject` only where the message has one.
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
HOST = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(\.cn)?")
# Other paths of the same host answer with text of whoever signed the request, which may be a certificate.
CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]+\.pem")
INVALID = "The signature of this notification is not valid."


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A verified message. `content`: the decoded notification; `confirm_url`: what confirms the subscription."""

    topic: str
    content: Any = None
    confirm_url: str | None = None


def verified_message(body: Any, fetch: Callable[[str], bytes]) -> SnsMessage:
    """The message in a decoded body. `fetch` gets a certificate, PEM, from an address of AWS.

    Raises `TokenInvalid` unless it is signed by SNS, `BodyInvalid` where its content is no JSON."""
    try:
        kind: Literal["Notification", "SubscriptionConfirmation"] = body["Type"]
        _require_signed(body, SIGNED[kind], fetch(_certificate_url(body["SigningCertURL"])))
        if kind == "SubscriptionConfirmation":
            return SnsMessage(body["TopicArn"], confirm_url=_own_url(body["SubscribeURL"]))
    except (KeyError, TypeError, ValueError) as error:
        raise errors.TokenInvalid(INVALID) from error
    return SnsMessage(body["TopicArn"], _decoded(body["Message"]))


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise errors.BodyInvalid("The message of this notification is not JSON.") from error


def _own_url(url: str) -> str:
    """An address of SNS itself. Raises `ValueError` for another."""
    parts = urlsplit(str(url))
    if parts.scheme != "https" or not HOST.fullmatch(parts.netloc):
        raise ValueError("not an address of SNS")
    return url


def _certificate_url(url: str) -> str:
    """The address of a certificate of SNS. Raises `ValueError` for another."""
    parts = urlsplit(_own_url(url))
    if not CERTIFICATE_PATH.fullmatch(parts.path) or parts.query or parts.fragment:
        raise ValueError("not an address of a certificate")
    return url


def _require_signed(body: Mapping[str, Any], names: tuple[str, ...], certificate: bytes) -> None:
    # cryptography takes 0.2 s to import: the first message waits for it, not every start of the API.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    text = "".join(f"{name}\n{body[name]}\n" for name in names if name != "Subject" or body.get("Subject"))
    algorithm = {"1": hashes.SHA1, "2": hashes.SHA256}[body["SignatureVersion"]]()
    key = x509.load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not an RSA key")
    try:
        signature = base64.b64decode(body["Signature"], validate=True)
        key.verify(signature, text.encode(), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error) as error:
        raise ValueError("wrong signature") from error
