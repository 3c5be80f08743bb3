"""Objects of an S3 bucket."""

from collections.abc import Iterator
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from penstock.domain.batch.entries import Entry
from penstock.storage.interruptible import IsStopped, never_stopped, wait_for
from penstock.storage.locations.prefix_objects import Block, PrefixObjects, object_entry
from penstock.storage.s3_upload import REQUEST_SECONDS, UploadTarget, upload_file_to_s3


class S3Objects(PrefixObjects):
    """`root` is `bucket/prefix`. A server that does not respond ends a request after `request_seconds`."""

    def __init__(self, filesystem: Any, root: str, request_seconds: float = REQUEST_SECONDS) -> None:
        self._filesystem = filesystem
        self._bucket, _, prefix = root.partition("/")
        self._below = f"{prefix}/" if prefix else ""
        self._request_seconds = request_seconds

    def entries(self) -> Iterator[Entry]:
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", never_stopped, Prefix=self._below, **more)
            for found in page.get("Contents", []):
                if not found["Key"].endswith("/"):  # a folder, as consoles make them
                    yield self._listed(found)
            if not (page.get("IsTruncated") and page.get("NextContinuationToken")):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _listed(self, found: dict[str, Any]) -> Entry:
        name = found["Key"].removeprefix(self._below)
        return object_entry(name, found["Size"], _modified(found), _version(found))

    def head(self, name: str) -> Entry:
        found = self._call("head_object", never_stopped, Key=self._below + name)
        return Entry(name, found["ContentLength"], _modified(found), _version(found))

    def read(self, name: str, start: int, end: int, is_stopped: IsStopped) -> Block:
        request = self._read(self._below + name, f"bytes={start}-{end - 1}")
        return wait_for(self._filesystem.loop, request, self._request_seconds, is_stopped)

    async def _read(self, key: str, wanted: str) -> Block:
        response = await self._filesystem._call_s3("get_object", Bucket=self._bucket, Key=key, Range=wanted)
        async with response["Body"] as body:
            return Block(await body.read(), _version(response))

    def upload(self, path: Path, name: str, part: str, is_stopped: IsStopped) -> None:  # noqa: ARG002 (a PUT is atomic)
        target = UploadTarget(self._bucket, self._below + name, self._request_seconds, is_stopped)
        upload_file_to_s3(self._filesystem, path, target, guess_type(name)[0] or "application/octet-stream")

    def delete(self, name: str) -> None:
        self._call("delete_object", never_stopped, Key=self._below + name)

    def delete_all(self, folder: str, start: str) -> int:  # noqa: ARG002 (uploads leave no objects)
        return 0

    def _call(self, method: str, is_stopped: IsStopped, **parameters: Any) -> Any:
        request = self._filesystem._call_s3(method, Bucket=self._bucket, **parameters)
        return wait_for(self._filesystem.loop, request, self._request_seconds, is_stopped)


def _modified(found: dict[str, Any]) -> float:
    """Whole seconds: a listing tells more of the time than a single request."""
    return float(int(found["LastModified"].timestamp()))


def _version(found: dict[str, Any]) -> str:
    """The ETag; size and time where the server sends none."""
    etag = str(found.get("ETag") or "").strip('"')
    return etag or f"{found.get('Size', found.get('ContentLength'))}-{_modified(found):.0f}"
