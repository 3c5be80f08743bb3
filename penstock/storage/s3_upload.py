"""Uploads to S3 whose every step has a deadline of its own: a server that stops reading cannot hold them for ever."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.domain.ids import is_stored_key
from penstock.storage.foreign_errors import STORAGE_ERRORS
from penstock.storage.interruptible import IsStopped, never_stopped, wait_for

log = logging.getLogger(__name__)

PART = 16 * 2**20
STEP_SECONDS = 60.0
ABORT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """An object to be. `step_seconds` is how long one request of its upload may take: 16 MiB at most.

    `stopped` says that nobody wants it any more."""

    bucket: str
    key: str
    step_seconds: float = STEP_SECONDS
    stopped: IsStopped = never_stopped


def upload_file_to_s3(filesystem: Any, path: Path, target: UploadTarget, mime: str) -> None:
    """Send a file; the object appears with the last request, or never."""
    if path.stat().st_size <= PART:
        _ask(filesystem, "put_object", target, Body=path.read_bytes(), ContentType=mime)
        return
    with _session(filesystem, target, mime) as upload_id:
        parts = [
            _send(filesystem, target, upload_id, number, block) for number, block in enumerate(_blocks(path), start=1)
        ]
        _ask(filesystem, "complete_multipart_upload", target, UploadId=upload_id, MultipartUpload={"Parts": parts})


def abort_stale_uploads(filesystem: Any, bucket: str, below: str, older_than_seconds: float) -> int:
    """Abort the uploads of ours that nobody has finished; they cost room and no listing shows them. Answers how many.

    `below` is what our keys begin with, "/" included; what has no key of our form is somebody else's."""
    limit = time.time() - older_than_seconds
    found = _unfinished(filesystem, bucket, below)
    ours = (each for each in found if is_stored_key(each["Key"].removeprefix(below)))
    return sum(_aborted(filesystem, bucket, each) for each in ours if each["Initiated"].timestamp() <= limit)


def _aborted(filesystem: Any, bucket: str, stale: dict[str, Any]) -> bool:
    """Whether it could be done; one that cannot be aborted now must not keep the others."""
    try:
        filesystem.call_s3("abort_multipart_upload", Bucket=bucket, Key=stale["Key"], UploadId=stale["UploadId"])
    except STORAGE_ERRORS as fault:
        log.warning("an unfinished upload could not be aborted: %s", type(fault).__name__)
        return False
    return True


def _unfinished(filesystem: Any, bucket: str, below: str) -> Iterator[dict[str, Any]]:
    """All of them: a server tells at most 1,000 at once."""
    more: dict[str, str] = {}
    while True:
        try:
            page = filesystem.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=below, **more)
        except FileNotFoundError:  # some servers say so where there is none
            return
        yield from page.get("Uploads", [])
        if not page.get("IsTruncated"):
            return
        more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}


@contextmanager
def _session(filesystem: Any, target: UploadTarget, mime: str) -> Iterator[str]:
    upload_id = _ask(filesystem, "create_multipart_upload", target, ContentType=mime)["UploadId"]
    try:
        yield upload_id
    except BaseException:
        with suppress(*STORAGE_ERRORS):  # what cannot be aborted now is left to the sweep
            abandoned = replace(target, step_seconds=ABORT_SECONDS, stopped=never_stopped)
            _ask(filesystem, "abort_multipart_upload", abandoned, UploadId=upload_id)
        raise


def _send(filesystem: Any, target: UploadTarget, upload_id: str, number: int, block: bytes) -> dict[str, Any]:
    answer = _ask(filesystem, "upload_part", target, UploadId=upload_id, PartNumber=number, Body=block)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def _ask(filesystem: Any, method: str, target: UploadTarget, **parameters: Any) -> Any:
    asked = filesystem._call_s3(method, Bucket=target.bucket, Key=target.key, **parameters)
    return wait_for(filesystem.loop, asked, target.step_seconds, target.stopped)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(PART):
            yield block
