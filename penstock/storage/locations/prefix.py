"""A prefix of an object store, through fsspec, as the source or destination of a batch."""

import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import fsspec

from penstock.domain import errors
from penstock.domain.batch.addresses import path_in, scheme_of
from penstock.domain.batch.entries import Entry
from penstock.domain.batch.globs import Glob, parse_glob
from penstock.domain.batch.naming import PARTS_FOLDER
from penstock.storage.error_translation import translate_storage_errors
from penstock.storage.interruptible import IsStopped, never_stopped
from penstock.storage.local_files import removed_on_error, write_all
from penstock.storage.locations.fsspec_objects import FsspecObjects
from penstock.storage.locations.location import Location, Publication, RangedInput, require_plain_name
from penstock.storage.locations.location_errors import (
    OutputExists,
    translate_destination_errors,
    translate_input_errors,
)
from penstock.storage.locations.prefix_objects import Block, PrefixObjects
from penstock.storage.locations.s3_objects import S3Objects
from penstock.storage.s3_filesystem import REQUEST_BYTES, s3_filesystem


class PrefixLocation(Location):
    """A prefix. There are no links and no file times to keep; an object appears whole."""

    def __init__(self, address: str, objects: PrefixObjects) -> None:
        super().__init__(address)
        self._objects = objects

    @staticmethod
    def at(address: str, s3_endpoint_url: str | None) -> "PrefixLocation":
        """The prefix at `s3://bucket/prefix` or another address. Raises `UrlForbidden` for an unknown protocol."""
        return PrefixLocation(address, _objects(address, s3_endpoint_url))

    def list_files(self, glob: str | None = None, exclude: Sequence[str] = ()) -> Iterator[Entry]:
        return self._listed(parse_glob(glob), tuple(f"{folder}/" for folder in (PARTS_FOLDER, *exclude)))

    def _listed(self, pattern: Glob, left_out: tuple[str, ...]) -> Iterator[Entry]:
        with translate_input_errors():
            for entry in self._objects.entries():
                if pattern.matches(entry.name) and not entry.name.startswith(left_out):
                    yield entry

    def stat(self, name: str) -> Entry | None:
        with translate_input_errors(), suppress(FileNotFoundError):
            return self._objects.head(name)
        return None

    def many_stats(self) -> Callable[[str], Entry | None]:
        known: dict[str, Entry] = {}
        with translate_input_errors(), suppress(FileNotFoundError):
            known.update((entry.name, entry) for entry in self._objects.entries())
        return known.get

    def fetch(self, name: str, path: Path, version: str | None, is_stopped: IsStopped = never_stopped) -> Entry:
        with translate_input_errors():
            entry = self._objects.head(name)
        if version not in (None, entry.version):
            raise errors.InputChanged("The input is not the one that was listed: it changed since.")
        with translate_storage_errors(), removed_on_error(path), path.open("xb", buffering=0) as file:
            for block in self._blocks(entry, is_stopped):
                write_all(file, block)
        return entry

    def _blocks(self, entry: Entry, is_stopped: IsStopped) -> Iterator[bytes]:
        """The whole content, of one version. A server that tells no version with the bytes is asked at the end."""
        is_told = True
        for start in range(0, entry.size, REQUEST_BYTES):
            end = min(entry.size, start + REQUEST_BYTES)
            block = self._block(entry, start, end, is_stopped)
            is_told = block.version is not None
            yield block.content
        if not is_told:
            with translate_input_errors():
                _require_version(self._objects.head(entry.name).version, entry)

    def _block(self, entry: Entry, start: int, end: int, is_stopped: IsStopped) -> Block:
        with translate_input_errors():
            block = self._objects.read(entry.name, start, end, is_stopped)
        _require_version(block.version or entry.version, entry)
        if len(block.content) != end - start:
            raise errors.OriginUnavailable("The input could not be read to its end.")
        return block

    @contextmanager
    def open_ranges(self, name: str, is_stopped: IsStopped = never_stopped) -> Iterator[RangedInput]:
        with translate_input_errors():
            entry = self._objects.head(name)
        yield RangedInput(entry.size, lambda start, end: self._block(entry, start, end, is_stopped).content)

    def publish(self, path: Path, publication: Publication, is_stopped: IsStopped = never_stopped) -> Entry:
        name = require_plain_name(publication.name)
        part = f"{PARTS_FOLDER}/{publication.batch_id}-{secrets.token_hex(8)}"
        if not publication.replace and self.stat(name) is not None:
            raise OutputExists
        with translate_destination_errors():
            self._objects.upload(path, name, part, is_stopped)
            entry = self._objects.head(name)
        if entry.size != path.stat().st_size:
            raise errors.StorageUnavailable("The destination did not store the output whole.", detail=name)
        return entry

    def remove_parts(self, batch_id: str) -> int:
        with translate_destination_errors():
            return self._objects.delete_all(PARTS_FOLDER, f"{batch_id}-")

    def require_writable(self, batch_id: str) -> None:
        name = f"{PARTS_FOLDER}/{batch_id}-{secrets.token_hex(8)}"
        with tempfile.NamedTemporaryFile() as empty, translate_destination_errors():
            self._objects.upload(Path(empty.name), name, f"{name}.part", never_stopped)
            self._objects.delete(name)


def _require_version(version: str, entry: Entry) -> None:
    if version != entry.version:
        raise errors.InputChanged("The input changed while it was read.")


def _objects(address: str, s3_endpoint_url: str | None) -> PrefixObjects:
    scheme, path = scheme_of(address) or "", path_in(address)
    if scheme == "s3":
        return S3Objects(_shared_s3(s3_endpoint_url), path)
    return FsspecObjects(*_opened(f"{scheme}://{path}"), scheme)


@cache
def _shared_s3(endpoint_url: str | None) -> Any:
    """One for all prefixes of a process: opening one takes longer than most requests."""
    return s3_filesystem(endpoint_url)


def _opened(url: str) -> tuple[Any, str]:
    """The file system and the path in it."""
    try:
        with translate_input_errors():  # some connect at once
            filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, TypeError) as error:
        raise errors.UrlForbidden(
            "This protocol is unknown here, needs more than an address, or its Python package is not installed.",
            field="url",
            detail=str(error),
        ) from error
    return filesystem, path
