"""A receipt is signed so that any JWT library can verify it."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime

import jwt
import pytest

from penstock.domain.api_keys import derive_key
from penstock.domain.ids import FileId, ProjectId, TaskId
from penstock.domain.receipt import StoredReceipt
from penstock.views.receipts import signed_receipt

BODY = {
    "input": {"filesize": 3},
    "output": {"kind": "audio", "format": "mp3", "type": "audio/mpeg", "filesize": 1, "sha256": "00", "duration": 1.5},
    "checks": {"streams": [], "expected_duration": 1.5, "drift": None, "quality": None},
    "work": {"plan": {"title": "Ä"}, "argv": [], "tools": {}, "wall_seconds": 1.25, "cpu_seconds": 1e-07},
}
STORED = StoredReceipt(
    FileId("file_1"), TaskId("tsk_1"), ProjectId("prj_1"), 2, datetime(2026, 1, 31, 15, 0, tzinfo=UTC), BODY
)


@pytest.fixture
def receipt():
    return signed_receipt(STORED, "secret").model_dump(mode="json")


def test_the_payload_of_the_signature_is_the_rest_of_the_receipt(receipt):
    signature = receipt.pop("signature")
    assert jwt.decode(signature, derive_key("receipts", "secret"), algorithms=["HS256"]) == receipt


def test_the_signature_is_hmac_sha256_over_header_and_payload(receipt):
    signed, _, signature = receipt["signature"].rpartition(".")
    key = derive_key("receipts", "secret").encode()
    expected = base64.urlsafe_b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest())
    assert signature == expected.decode().rstrip("=")


def test_the_header_names_the_algorithm_and_the_type(receipt):
    header = receipt["signature"].partition(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "penstock-receipt"}


def test_the_key_of_another_project_does_not_verify_it(receipt):
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(receipt["signature"], derive_key("receipts", "other"), algorithms=["HS256"])


def test_a_changed_receipt_does_not_verify(receipt):
    header, _, signature = receipt["signature"].split(".")
    other = signed_receipt(STORED, "other").signature.split(".")[1]
    changed = other[:-2] + ("A" if other[-2] != "A" else "B") + other[-1]
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(f"{header}.{changed}.{signature}", derive_key("receipts", "secret"), algorithms=["HS256"])


def test_a_receipt_that_was_stored_without_its_input_is_still_shown():
    body = {name: value for name, value in BODY.items() if name != "input"}
    assert signed_receipt(replace(STORED, body=body), "secret").input is None
