"""Notifications in the shapes that the vendors document, and those that lie."""

from typing import Any

import pytest

from penstock.arrivals.notifications import ArrivedObject, arrived_objects
from penstock.domain import errors

RECORD = {
    "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2026-01-31T15:00:00.000Z",
    "eventName": "ObjectCreated:Put", "userIdentity": {"principalId": "AWS:EXAMPLE"},
    "s3": {
        "s3SchemaVersion": "1.0", "configurationId": "arrivals",
        "bucket": {"name": "media", "ownerIdentity": {"principalId": "A1"}, "arn": "arn:aws:s3:::media"},
        "object": {"key": "in/a+b%C3%BC.png", "size": 1024, "eTag": "d41d8cd98f00b204", "sequencer": "00"},
    },
}  # fmt: skip
EVENT_BRIDGE = {
    "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created", "source": "aws.s3",
    "account": "123456789012", "time": "2026-01-31T15:00:00Z", "region": "us-east-1",
    "resources": ["arn:aws:s3:::media"],
    "detail": {
        "version": "0", "bucket": {"name": "media"}, "reason": "PutObject",
        "object": {"key": "in/a bü.png", "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "00"},
    },
}  # fmt: skip
R2 = {
    "account": "3f4b7e3dcab231cbfdaa90a6a28bd548", "action": "PutObject", "bucket": "media",
    "object": {"key": "in/a bü.png", "size": 65536, "eTag": "c846ff7a18f28c2e262116d6e8719ef0"},
    "eventTime": "2026-01-31T15:00:00.000Z",
}  # fmt: skip
MINIO = {"EventName": "s3:ObjectCreated:Put", "Key": "media/in/a.png",
         "Records": [RECORD | {"eventSource": "minio:s3", "eventName": "s3:ObjectCreated:Put"}]}  # fmt: skip


@pytest.mark.parametrize("body", [{"Records": [RECORD]}, MINIO, EVENT_BRIDGE, R2])
def test_every_vendor_is_understood(body: Any):
    assert arrived_objects(body) == (ArrivedObject("media", "in/a bü.png"),)


@pytest.mark.parametrize(
    "body",
    [
        {"Records": [RECORD | {"eventName": "ObjectRemoved:Delete"}]},
        EVENT_BRIDGE | {"detail-type": "Object Deleted"},
        R2 | {"action": "DeleteObject"},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-31T15:00:00Z", "Bucket": "media"},
    ],
)
def test_what_creates_nothing_is_ignored(body: Any):
    assert arrived_objects(body) == ()


@pytest.mark.parametrize(
    "body", [[], "text", {}, {"Records": [{}]}, {"Records": 5}, R2 | {"object": None}, R2 | {"bucket": 5}]
)
def test_another_shape_is_refused(body: Any):
    with pytest.raises(errors.BodyInvalid, match="no notification"):
        arrived_objects(body)


@pytest.mark.parametrize("key", ["../other/a.png", "in/../../a.png", "/etc/passwd", "in/./a.png", "in/a\nb.png"])
def test_a_key_that_could_lead_elsewhere_is_refused(key: str):
    with pytest.raises(errors.UrlForbidden):
        arrived_objects(R2 | {"object": {"key": key}})


@pytest.mark.parametrize("bucket", ["", "media/in", ".."])
def test_a_bucket_that_is_none_is_refused(bucket: str):
    with pytest.raises(errors.UrlForbidden):
        arrived_objects(R2 | {"bucket": bucket})


def test_too_many_records_are_refused():
    with pytest.raises(errors.BodyInvalid, match="1,000"):
        arrived_objects({"Records": [RECORD] * 1001})
