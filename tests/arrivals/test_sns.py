"""Messages of SNS are believed by their signature alone."""

import json
from typing import Any

import pytest

from penstock.arrivals.sns import verified_message
from penstock.domain import errors
from tests.arrivals.conftest import CERTIFICATE, CONFIRMATION, NOTIFICATION, TOPIC, Sign


def test_a_signed_notification_has_its_content(signed: Sign, certificate: bytes):
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return certificate

    for body in (NOTIFICATION, {name: NOTIFICATION[name] for name in NOTIFICATION if name != "Subject"}):
        message = verified_message(signed(body), fetch)
        assert (message.topic, message.content, message.confirm_url) == (TOPIC, {"Records": []}, None)
    assert set(asked) == {CERTIFICATE}


def test_a_signed_confirmation_names_what_confirms_it(signed: Sign, certificate: bytes):
    message = verified_message(signed(CONFIRMATION), lambda _url: certificate)

    assert message.confirm_url == CONFIRMATION["SubscribeURL"]


@pytest.mark.parametrize(
    "changed",
    [
        {"Message": json.dumps({"Records": [1]})},
        {"TopicArn": TOPIC + "2"},
        {"Signature": "AAAA"},
        {"Signature": "no base64"},
        {"SignatureVersion": "3"},
        {"Type": "UnsubscribeConfirmation"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com.example.com/a.pem"},
        {"SigningCertURL": "http://sns.us-east-1.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://user@sns.us-east-1.amazonaws.com/a.pem"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/?Action=GetSubscriptionAttributes&X-Amz-Signature=1"},
        {"SigningCertURL": CERTIFICATE + "?Action=GetTopicAttributes"},
        {"SigningCertURL": "https://sns.us-east-1.amazonaws.com/?Action=ListTopics#/SimpleNotificationService-1.pem"},
        {"SigningCertURL": 5},
    ],
)
def test_a_changed_message_is_refused(signed: Sign, certificate: bytes, changed: dict[str, Any]):
    with pytest.raises(errors.TokenInvalid):
        verified_message(signed(NOTIFICATION) | changed, lambda _url: certificate)


@pytest.mark.parametrize("body", [[], {}, "text", None, {"Type": []}])
def test_another_body_is_refused(body: Any):
    with pytest.raises(errors.TokenInvalid):
        verified_message(body, lambda _url: b"")


def test_a_certificate_that_is_none_is_refused(signed: Sign):
    with pytest.raises(errors.TokenInvalid):
        verified_message(signed(NOTIFICATION), lambda _url: b"<html>")


def test_a_confirmation_leads_to_sns_alone(signed: Sign, certificate: bytes):
    elsewhere = signed(CONFIRMATION | {"SubscribeURL": "https://example.com/?Token=1"})
    with pytest.raises(errors.TokenInvalid):
        verified_message(elsewhere, lambda _url: certificate)
