"""The object store: a local folder or an S3 bucket, through fsspec. A stored file is complete or absent."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import fsspec

from penstock.domain import errors
from penstock.storage import s3_upload
from penstock.storage.error_translation import translate_read_errors, translate_storage_errors
from penstock.storage.interruptible import IsStopped, never_stopped, wait_for
from penstock.storage.local_files import (
    copy_file,
    file_age,
    link_or_copy,
    list_files_in,
    move_durably,
    removed_at_end,
    temporary_file_beside,
)
from penstock.storage.s3_filesystem import REQUEST_BYTES, s3_filesystem

BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A stored file in a listing. `written` is its time in seconds since 1970, by the store's clock."""

    key: str
    written: float


class ObjectStore(ABC):
    """Stored files by key. Thread-safe."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._filesystem = filesystem
        self._root = root

    @staticmethod
    def at(url: str, endpoint_url: str | None = None) -> "ObjectStore":
        """The store at `file:///folder` or `s3://bucket/prefix`. Raises `ValueError` for other URLs."""
        parts = urlsplit(url)
        if parts.scheme == "file":
            return FolderStore(Path(unquote(parts.path)))
        if parts.scheme == "s3":
            return BucketStore(parts.netloc, parts.path.strip("/"), endpoint_url)
        raise ValueError("The storage must be a file:///… or an s3://… address.")

    @abstractmethod
    def put(self, path: Path, key: str, mime: str, is_stopped: IsStopped = never_stopped) -> None:
        """Store a local file under a key, completely or not at all. Raises `Cancelled` once stopped."""

    @abstractmethod
    def get(self, key: str, path: Path, is_stopped: IsStopped = never_stopped) -> None:
        """Make a stored file available at a local path, perhaps as a hard link: it must not be changed.

        Raises `Cancelled` once stopped."""

    @abstractmethod
    def signed_link(self, key: str, seconds: int, mime: str, disposition: str) -> str | None:
        """A link that the store itself serves for `seconds` with these headers `Content-Type` and
        `Content-Disposition`; None if it cannot."""

    @abstractmethod
    def ping(self) -> None:
        """Raise `StorageUnavailable` if the store does not work."""

    @abstractmethod
    def remove_stale_uploads(self, older_than_seconds: float) -> int:
        """Remove the remains of interrupted puts; returns how many."""

    @abstractmethod
    def list_files(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        """The files in a folder of the store, sorted by key, those after the key `after`."""

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start`, in blocks of at most 1 MiB."""
        address, end = self._address(key), start + length
        for first in range(start, end, REQUEST_BYTES):
            content = self._read_range(address, first, min(end, first + REQUEST_BYTES))
            yield from (content[offset : offset + BLOCK_BYTES] for offset in range(0, len(content), BLOCK_BYTES))

    def size(self, key: str) -> int:
        with translate_read_errors():
            found = self._filesystem.info(self._address(key))
            if found["type"] != "file":
                raise FileNotFoundError(key)
            return int(found["size"])

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except errors.FileNotFound:
            return False
        return True

    def delete(self, key: str) -> None:
        """Delete a stored file; a missing one is no error."""
        with translate_storage_errors(), suppress(FileNotFoundError):
            self._filesystem.rm_file(self._address(key))

    def _read_range(self, address: str, start: int, end: int) -> bytes:
        with translate_read_errors():
            return _require_length(
                bytes(self._filesystem.cat_file(address, start=start, end=end)), end - start, address
            )

    def _address(self, key: str) -> str:
        path = PurePosixPath(key)
        if not key or path.is_absolute() or ".." in path.parts or str(path) != key:
            raise ValueError("A key must be a plain relative path.")
        return f"{self._root}/{key}"


class FolderStore(ObjectStore):
    """A local folder. Unfinished files are in its folder `.arriving`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(fsspec.filesystem("file", skip_instance_cache=True), str(folder))
        self._arriving = folder / ".arriving"

    def put(self, path: Path, key: str, mime: str, is_stopped: IsStopped = never_stopped) -> None:  # noqa: ARG002 (a folder has no MIME types)
        with translate_storage_errors(), self._unfinished_file() as part:
            copy_file(path, part, is_stopped)
            move_durably(part, Path(self._address(key)))

    def get(self, key: str, path: Path, is_stopped: IsStopped = never_stopped) -> None:
        with translate_read_errors(), temporary_file_beside(path) as part:
            link_or_copy(Path(self._address(key)), part, is_stopped)
            part.replace(path)

    def signed_link(self, key: str, seconds: int, mime: str, disposition: str) -> str | None:  # noqa: ARG002 (a folder has no server)
        return None

    def ping(self) -> None:
        with translate_storage_errors(), self._unfinished_file() as part:
            part.write_bytes(b"?")

    def remove_stale_uploads(self, older_than_seconds: float) -> int:
        with translate_storage_errors():
            stale = [part for part in self._arriving.glob("*") if file_age(part) > older_than_seconds]
            for part in stale:
                part.unlink(missing_ok=True)
        return len(stale)

    def list_files(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        with translate_storage_errors():
            found = sorted(list_files_in(Path(self._address(folder))))
        for name, written in found:
            if (key := f"{folder}/{name}") > after:
                yield StoredObject(key, written)

    @contextmanager
    def _unfinished_file(self) -> Iterator[Path]:
        self._arriving.mkdir(parents=True, exist_ok=True, mode=0o700)
        with removed_at_end(self._arriving / secrets.token_hex(12)) as part:
            part.touch(mode=0o600)
            yield part


class BucketStore(ObjectStore):
    """A bucket of an S3 server; credentials and region come from the usual AWS variables."""

    def __init__(
        self, bucket: str, prefix: str, endpoint_url: str | None, request_seconds: float = s3_upload.REQUEST_SECONDS
    ) -> None:
        super().__init__(s3_filesystem(endpoint_url), f"{bucket}/{prefix}".rstrip("/"))
        self._bucket = bucket
        self._prefix = prefix
        self._request_seconds = request_seconds

    def put(self, path: Path, key: str, mime: str, is_stopped: IsStopped = never_stopped) -> None:
        with translate_storage_errors():
            s3_upload.upload_file_to_s3(self._filesystem, path, self._target(key, is_stopped), mime)

    def get(self, key: str, path: Path, is_stopped: IsStopped = never_stopped) -> None:
        address = self._address(key)
        with translate_read_errors(), temporary_file_beside(path) as part:
            size = int(self._wait_for(self._filesystem._info(address), is_stopped)["size"])
            with part.open("xb") as file:
                for start in range(0, size, REQUEST_BYTES):
                    file.write(self._fetch_range(address, start, min(size, start + REQUEST_BYTES), is_stopped))
            part.replace(path)

    def _fetch_range(self, address: str, start: int, end: int, is_stopped: IsStopped) -> bytes:
        content = self._wait_for(self._filesystem._cat_file(address, start=start, end=end), is_stopped)
        return _require_length(content, end - start, address)

    def _wait_for(self, request: Coroutine[Any, Any, Any], is_stopped: IsStopped) -> Any:
        return wait_for(self._filesystem.loop, request, self._request_seconds, is_stopped)

    def signed_link(self, key: str, seconds: int, mime: str, disposition: str) -> str | None:
        headers = {"ResponseContentType": mime, "ResponseContentDisposition": disposition}
        with translate_storage_errors():
            return str(self._filesystem.url(self._address(key), expires=seconds, **headers))

    def ping(self) -> None:
        with translate_storage_errors():
            self._filesystem.call_s3("list_objects_v2", Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def remove_stale_uploads(self, older_than_seconds: float) -> int:
        with translate_storage_errors():
            return s3_upload.abort_stale_uploads(self._filesystem, self._bucket, self._below, older_than_seconds)

    def list_files(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        parameters = {"Prefix": f"{self._below}{folder}/", "Delimiter": "/", "StartAfter": f"{self._below}{after}"}
        for page in self._pages("list_objects_v2", "ContinuationToken", parameters):
            for entry in page.get("Contents", []):
                key = entry["Key"].removeprefix(self._below)
                if key > after:  # some servers ignore StartAfter
                    yield StoredObject(key, entry["LastModified"].timestamp())

    def _pages(self, method: str, token: str, parameters: dict[str, str]) -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            with translate_storage_errors():
                page = self._filesystem.call_s3(method, Bucket=self._bucket, **parameters, **more)
            yield page
            if not (page.get("IsTruncated") and page.get(f"Next{token}")):
                return
            more = {token: page[f"Next{token}"]}

    @property
    def _below(self) -> str:
        """The common start of our objects' keys in the bucket."""
        return f"{self._prefix}/" if self._prefix else ""

    def _target(self, key: str, is_stopped: IsStopped) -> s3_upload.UploadTarget:
        bucket, _, name = self._address(key).partition("/")
        return s3_upload.UploadTarget(bucket, name, self._request_seconds, is_stopped)


def _require_length(content: bytes, length: int, address: str) -> bytes:
    if len(content) < length:
        raise errors.StorageUnavailable("The stored file could not be read to its end.", detail=address)
    return content
