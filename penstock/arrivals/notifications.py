"""Which objects a notification of a bucket names, in the shapes that the vendors document. Pure.

- MinIO, Amazon S3, Ceph: `Records` with `eventName` and `s3`; keys are URL-encoded
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html)
- Amazon EventBridge: `detail-type` "Object Created" and `detail`
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html)
- Cloudflare R2: `action`, `bucket` and `object`
  (https://developers.cloudflare.com/r2/buckets/event-notifications/)"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from penstock.domain import errors

MAX_RECORDS = 1_000
R2_ARRIVALS = ("PutObject", "CopyObject", "CompleteMultipartUpload")
UNKNOWN_SHAPE = "The body is no notification of MinIO, Amazon S3, EventBridge or R2."
BAD_KEY = "The notification names an object whose key could lead elsewhere."


@dataclass(frozen=True, slots=True)
class ArrivedObject:
    """An object that was created."""

    bucket: str
    key: str


def arrived_objects(body: Any) -> tuple[ArrivedObject, ...]:
    """The objects that a decoded notification says were created; none for a deletion and for a vendor's test.

    Raises `BodyInvalid` for another shape, `UrlForbidden` for a key with `..` and the like."""
    try:
        found = tuple(_objects(body))
    except (KeyError, TypeError, AttributeError) as error:
        raise errors.BodyInvalid(UNKNOWN_SHAPE) from error
    for arrived in found:
        _require_plain(arrived)
    return found


def _objects(body: Any) -> Iterator[ArrivedObject]:
    if "Records" in body:
        yield from (_of_record(record) for record in _bounded(body["Records"]) if _is_created(record["eventName"]))
    elif "detail-type" in body:
        if body["detail-type"] == "Object Created":
            yield _named(body["detail"]["bucket"]["name"], body["detail"]["object"]["key"])
    elif "action" in body:
        if body["action"] in R2_ARRIVALS:
            yield _named(body["bucket"], body["object"]["key"])
    elif body["Event"] != "s3:TestEvent":
        raise KeyError


def _bounded(records: list[Any]) -> list[Any]:
    if len(records) > MAX_RECORDS:
        raise errors.BodyInvalid(f"A notification has at most {MAX_RECORDS:,} records.")
    return records


def _is_created(event: str) -> bool:
    return event.removeprefix("s3:").startswith("ObjectCreated:")


def _of_record(record: Mapping[str, Any]) -> ArrivedObject:
    return _named(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))


def _named(bucket: Any, key: Any) -> ArrivedObject:
    if not isinstance(bucket, str) or not isinstance(key, str):
        raise TypeError
    return ArrivedObject(bucket, key)


def _require_plain(arrived: ArrivedObject) -> None:
    parts = arrived.key.split("/")
    if any(part in ("..", ".") for part in parts) or arrived.key.startswith("/") or not arrived.key.isprintable():
        raise errors.UrlForbidden(BAD_KEY)
    if not arrived.bucket or "/" in arrived.bucket or ".." in arrived.bucket:
        raise errors.UrlForbidden(BAD_KEY)
