"""A signed document is what it was when it was signed, or it is refused."""

import base64
import hashlib
import hmac
import json

import pytest

from penstock.views.jws import sign, verified

DOCUMENT = {"file": "file_1", "seconds": 1.5, "title": "Ä"}


def test_what_was_signed_is_read_back():
    assert verified(sign(DOCUMENT, "secret"), "secret") == DOCUMENT


def test_the_signature_is_one_that_others_can_check():
    said, _, signature = sign(DOCUMENT, "secret").rpartition(".")
    header = json.loads(base64.urlsafe_b64decode(said.partition(".")[0] + "=="))
    expected = base64.urlsafe_b64encode(hmac.new(b"secret", said.encode(), hashlib.sha256).digest())

    assert header["alg"] == "HS256"
    assert signature == expected.decode().rstrip("=")


@pytest.mark.parametrize("secret", ["", "other"])
def test_another_secret_opens_nothing(secret):
    with pytest.raises(ValueError, match="signature"):
        verified(sign(DOCUMENT, "secret"), secret)


def test_a_changed_document_is_refused():
    header, _, signature = sign(DOCUMENT, "secret").split(".")
    other = sign(DOCUMENT | {"file": "file_2"}, "secret").split(".")[1]
    with pytest.raises(ValueError, match="signature"):
        verified(f"{header}.{other}.{signature}", "secret")


@pytest.mark.parametrize("token", ["", ".", "..", "no token"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(ValueError, match="signature"):
        verified(token, "secret")
