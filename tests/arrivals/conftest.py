"""Messages of SNS as it signs them, with a key of the test's; and the services of batches."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from penstock.arrivals.sns import SIGNED
from tests.batches.conftest import batch_database, new_services
from tests.storage.conftest import aws, s3_endpoint

__all__ = ["aws", "batch_database", "new_services", "s3_endpoint"]

TOPIC = "arn:aws:sns:us-east-1:123456789012:arrivals"
CERTIFICATE = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem"
NOTIFICATION = {
    "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC,
    "Subject": "Amazon S3 Notification", "Message": json.dumps({"Records": []}),
    "Timestamp": "2026-01-31T15:00:00.000Z", "SignatureVersion": "2", "SigningCertURL": CERTIFICATE,
    "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
}  # fmt: skip
CONFIRMATION = {
    "Type": "SubscriptionConfirmation", "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", "Token": "2336412f37f",
    "TopicArn": TOPIC, "Message": "You have chosen to subscribe to the topic.",
    "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37f",
    "Timestamp": "2026-01-31T15:00:00.000Z", "SignatureVersion": "1", "SigningCertURL": CERTIFICATE,
}  # fmt: skip
Sign = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    lasting = made.not_valid_before(datetime.now(UTC)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
    return lasting.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def signed(key: rsa.RSAPrivateKey) -> Sign:
    def sign(body: dict[str, Any]) -> dict[str, Any]:
        text = "".join(f"{name}\n{body[name]}\n" for name in SIGNED[body["Type"]] if name in body)
        algorithm = hashes.SHA1() if body["SignatureVersion"] == "1" else hashes.SHA256()
        signature = key.sign(text.encode(), padding.PKCS1v15(), algorithm)
        return body | {"Signature": base64.b64encode(signature).decode()}

    return sign
