"""Uploads to S3 with a timeout for each request: s3fs's own uploads wait forever for a server that stops reading."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.domain.ids import is_stored_key
from penstock.storage.error_translation import STORAGE_ERRORS
from penstock.storage.interruptible import IsStopped, never_stopped, wait_for

log = logging.getLogger(__name__)

PART_BYTES = 16 * 2**20
REQUEST_SECONDS = 60.0
ABORT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Where to upload. `request_seconds` limits each request, which carries at most 16 MiB."""

    bucket: str
    key: str
    request_seconds: float = REQUEST_SECONDS
    is_stopped: IsStopped = never_stopped


def upload_file_to_s3(filesystem: Any, path: Path, target: UploadTarget, mime: str) -> None:
    """Upload a file. The object appears with the last request, or not at all. Raises `Cancelled` once stopped."""
    if path.stat().st_size <= PART_BYTES:
        _call(filesystem, "put_object", target, Body=path.read_bytes(), ContentType=mime)
        return
    with _multipart_upload(filesystem, target, mime) as upload_id:
        parts = [
            _upload_part(filesystem, target, upload_id, number, block)
            for number, block in enumerate(_blocks(path), start=1)
        ]
        _call(filesystem, "complete_multipart_upload", target, UploadId=upload_id, MultipartUpload={"Parts": parts})


def abort_stale_uploads(filesystem: Any, bucket: str, below: str, older_than_seconds: float) -> int:
    """Abort our unfinished multipart uploads, which occupy storage unseen; returns how many.

    `below` is the common start of our keys, with its "/". Uploads whose key has not our form are left alone."""
    limit = time.time() - older_than_seconds
    found = _unfinished_uploads(filesystem, bucket, below)
    ours = (upload for upload in found if is_stored_key(upload["Key"].removeprefix(below)))
    return sum(_abort(filesystem, bucket, upload) for upload in ours if upload["Initiated"].timestamp() <= limit)


def _abort(filesystem: Any, bucket: str, upload: dict[str, Any]) -> bool:
    """Whether the upload was aborted. A failure is logged, so that the others are still tried."""
    try:
        filesystem.call_s3("abort_multipart_upload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except STORAGE_ERRORS as error:
        log.warning("an unfinished upload could not be aborted: %s", type(error).__name__)
        return False
    return True


def _unfinished_uploads(filesystem: Any, bucket: str, below: str) -> Iterator[dict[str, Any]]:
    """All pages; a server lists at most 1,000 uploads in one."""
    more: dict[str, str] = {}
    while True:
        try:
            page = filesystem.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=below, **more)
        except FileNotFoundError:  # some servers' response if there is none
            return
        yield from page.get("Uploads", [])
        if not page.get("IsTruncated"):
            return
        more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}


@contextmanager
def _multipart_upload(filesystem: Any, target: UploadTarget, mime: str) -> Iterator[str]:
    upload_id = _call(filesystem, "create_multipart_upload", target, ContentType=mime)["UploadId"]
    try:
        yield upload_id
    except BaseException:
        with suppress(*STORAGE_ERRORS):  # the hourly sweep aborts it later
            aborting = replace(target, request_seconds=ABORT_SECONDS, is_stopped=never_stopped)
            _call(filesystem, "abort_multipart_upload", aborting, UploadId=upload_id)
        raise


def _upload_part(filesystem: Any, target: UploadTarget, upload_id: str, number: int, block: bytes) -> dict[str, Any]:
    part = _call(filesystem, "upload_part", target, UploadId=upload_id, PartNumber=number, Body=block)
    return {"PartNumber": number, "ETag": part["ETag"]}


def _call(filesystem: Any, method: str, target: UploadTarget, **parameters: Any) -> Any:
    request = filesystem._call_s3(method, Bucket=target.bucket, Key=target.key, **parameters)
    return wait_for(filesystem.loop, request, target.request_seconds, target.is_stopped)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(PART_BYTES):
            yield block
