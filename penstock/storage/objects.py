"""Where bytes are kept: a local folder or an S3 bucket, through fsspec. A stored file is whole or it is not there."""

import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import fsspec

from penstock.domain import errors
from penstock.storage import s3_upload
from penstock.storage.disk import file_age, list_files_in
from penstock.storage.foreign_errors import translate_read_errors, translate_storage_errors
from penstock.storage.interruptible import IsStopped, copy_file, never_stopped, wait_for

BLOCK = 2**20
WINDOW = 4 * BLOCK
S3_CONFIG = {
    "signature_version": "s3v4",
    "connect_timeout": 5,
    "read_timeout": 20,
    "retries": {"max_attempts": 3},
    # Other servers than Amazon's know no trailers, and send the whole file's checksum with a part of it.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A stored file, as a listing tells it. `written` is seconds since 1970, by the storage's clock."""

    key: str
    written: float


class ObjectStore(ABC):
    """Stored files by key. Safe to use from many threads."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._filesystem = filesystem
        self._root = root

    @staticmethod
    def at(url: str, endpoint_url: str | None = None) -> "ObjectStore":
        """The storage that a setting names: `file:///folder` or `s3://bucket/prefix`."""
        parts = urlsplit(url)
        if parts.scheme == "file":
            return FolderStore(Path(unquote(parts.path)))
        if parts.scheme == "s3":
            return BucketStore(parts.netloc, parts.path.strip("/"), endpoint_url)
        raise ValueError("The storage must be a file:///… or an s3://… address.")

    @abstractmethod
    def put(self, path: Path, key: str, mime: str, stopped: IsStopped = never_stopped) -> None:
        """Store a local file under a key, at once or not at all. Raises `Cancelled` where `stopped` says so."""

    @abstractmethod
    def get(self, key: str, path: Path, stopped: IsStopped = never_stopped) -> None:
        """Bring a stored file to a local path, which must be treated as read-only: it may be the stored file itself.

        Raises `Cancelled` where `stopped` says so."""

    @abstractmethod
    def signed_link(self, key: str, seconds: int, mime: str) -> str | None:
        """A link that the store itself serves for so long; None where it cannot."""

    @abstractmethod
    def ping(self) -> None:
        """Raise `StorageUnavailable` if nothing could be stored now."""

    @abstractmethod
    def remove_stale_uploads(self, older_than_seconds: float) -> int:
        """Remove what interrupted puts have left behind; answers how many."""

    @abstractmethod
    def list_files(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        """The files right below a folder of ours, by key, those that come after `after`."""

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start`, in blocks of at most 1 MiB."""
        address, end = self._address(key), start + length
        for begin in range(start, end, WINDOW):
            window = self._window(address, begin, min(end, begin + WINDOW))
            yield from (window[offset : offset + BLOCK] for offset in range(0, len(window), BLOCK))

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
        """Remove a stored file; one that is gone already is no error."""
        with translate_storage_errors(), suppress(FileNotFoundError):
            self._filesystem.rm_file(self._address(key))

    def _window(self, address: str, start: int, end: int) -> bytes:
        with translate_read_errors():
            window = bytes(self._filesystem.cat_file(address, start=start, end=end))
        if len(window) < end - start:
            raise errors.StorageUnavailable("The stored file could not be read to its end.", detail=address)
        return window

    def _address(self, key: str) -> str:
        place = PurePosixPath(key)
        if not key or place.is_absolute() or ".." in place.parts or str(place) != key:
            raise ValueError("A key is a plain relative path.")
        return f"{self._root}/{key}"


class FolderStore(ObjectStore):
    """A folder of this machine. What is on its way in is kept apart until it is whole."""

    def __init__(self, folder: Path) -> None:
        super().__init__(fsspec.filesystem("file", skip_instance_cache=True), str(folder))
        self._arriving = folder / ".arriving"

    def put(self, path: Path, key: str, mime: str, stopped: IsStopped = never_stopped) -> None:  # noqa: ARG002 (a folder keeps no types)
        place = Path(self._address(key))
        with translate_storage_errors(), self._arrival() as part:
            copy_file(path, part, stopped)
            _settle(part, place)

    def get(self, key: str, path: Path, stopped: IsStopped = never_stopped) -> None:
        with translate_read_errors(), _beside(path) as part:
            _link_or_copy(Path(self._address(key)), part, stopped)
            part.replace(path)

    def signed_link(self, key: str, seconds: int, mime: str) -> str | None:  # noqa: ARG002 (a folder serves nothing)
        return None

    def ping(self) -> None:
        with translate_storage_errors(), self._arrival() as part:
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
    def _arrival(self) -> Iterator[Path]:
        self._arriving.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _gone_after(self._arriving / secrets.token_hex(12)) as part:
            part.touch(mode=0o600)
            yield part


class BucketStore(ObjectStore):
    """A bucket of any S3; credentials and region come from the usual AWS variables."""

    def __init__(
        self, bucket: str, prefix: str, endpoint_url: str | None, step_seconds: float = s3_upload.STEP_SECONDS
    ) -> None:
        filesystem = fsspec.filesystem(
            "s3",
            endpoint_url=endpoint_url,
            use_listings_cache=False,
            skip_instance_cache=True,
            config_kwargs=S3_CONFIG,
        )
        super().__init__(filesystem, f"{bucket}/{prefix}".rstrip("/"))
        self._bucket = bucket
        self._prefix = prefix
        self._step_seconds = step_seconds

    def put(self, path: Path, key: str, mime: str, stopped: IsStopped = never_stopped) -> None:
        with translate_storage_errors():
            s3_upload.upload_file_to_s3(self._filesystem, path, self._target(key, stopped), mime)

    def get(self, key: str, path: Path, stopped: IsStopped = never_stopped) -> None:
        with translate_read_errors(), _beside(path) as part:
            found = self._filesystem._info(self._address(key))
            size = int(wait_for(self._filesystem.loop, found, self._step_seconds, stopped)["size"])
            with part.open("xb") as file:
                for start in range(0, size, WINDOW):
                    file.write(self._fetched(self._address(key), start, min(size, start + WINDOW), stopped))
            part.replace(path)

    def _fetched(self, address: str, start: int, end: int, stopped: IsStopped) -> bytes:
        work = self._filesystem._cat_file(address, start=start, end=end)
        window: bytes = wait_for(self._filesystem.loop, work, self._step_seconds, stopped)
        if len(window) < end - start:
            raise errors.StorageUnavailable("The stored file could not be read to its end.", detail=address)
        return window

    def signed_link(self, key: str, seconds: int, mime: str) -> str | None:
        with translate_storage_errors():
            return str(self._filesystem.url(self._address(key), expires=seconds, ResponseContentType=mime))

    def ping(self) -> None:
        with translate_storage_errors():
            self._filesystem.call_s3("list_objects_v2", Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def remove_stale_uploads(self, older_than_seconds: float) -> int:
        with translate_storage_errors():
            return s3_upload.abort_stale_uploads(self._filesystem, self._bucket, self._below, older_than_seconds)

    def list_files(self, folder: str, after: str = "") -> Iterator[StoredObject]:
        wanted = {"Prefix": f"{self._below}{folder}/", "Delimiter": "/", "StartAfter": f"{self._below}{after}"}
        for page in self._pages("list_objects_v2", "ContinuationToken", wanted):
            for each in page.get("Contents", []):
                key = each["Key"].removeprefix(self._below)
                if key > after:  # not every server knows StartAfter
                    yield StoredObject(key, each["LastModified"].timestamp())

    def _pages(self, method: str, token: str, wanted: dict[str, str]) -> Iterator[dict[str, Any]]:
        more: dict[str, str] = {}
        while True:
            with translate_storage_errors():
                page = self._filesystem.call_s3(method, Bucket=self._bucket, **wanted, **more)
            yield page
            if not (page.get("IsTruncated") and page.get(f"Next{token}")):
                return
            more = {token: page[f"Next{token}"]}

    @property
    def _below(self) -> str:
        """What the keys of our objects begin with in the bucket."""
        return f"{self._prefix}/" if self._prefix else ""

    def _target(self, key: str, stopped: IsStopped) -> s3_upload.UploadTarget:
        bucket, _, name = self._address(key).partition("/")
        return s3_upload.UploadTarget(bucket, name, self._step_seconds, stopped)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    with _gone_after(path.with_name(f".{secrets.token_hex(8)}.part")) as part:
        yield part


@contextmanager
def _gone_after(part: Path) -> Iterator[Path]:
    # Renaming one name of a file onto another of its names does nothing: the first must be removed after success too.
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _settle(part: Path, place: Path) -> None:
    """Make a finished file durable, then visible under its name."""
    _sync(part)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part.replace(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link_or_copy(place: Path, path: Path, stopped: IsStopped) -> None:
    try:
        path.hardlink_to(place)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or one that knows no links
        copy_file(place, path, stopped)
