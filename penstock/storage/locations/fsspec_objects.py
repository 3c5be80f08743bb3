"""Objects of any fsspec file system but S3."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from penstock.domain.batch.entries import Entry
from penstock.storage.interruptible import IsStopped, raise_if_stopped
from penstock.storage.locations.prefix_objects import Block, PrefixObjects, object_entry

# File systems with real folders, where an upload is visible before it ends and a rename is not.
_WITH_FOLDERS = frozenset(("sftp", "ssh", "smb", "ftp", "webdav", "hdfs", "webhdfs", "memory"))


class FsspecObjects(PrefixObjects):
    """`root` is the prefix as its file system writes it."""

    def __init__(self, filesystem: Any, root: str, scheme: str) -> None:
        self._filesystem = filesystem
        self._root = root.rstrip("/")
        self._has_folders = scheme in _WITH_FOLDERS

    def entries(self) -> Iterator[Entry]:
        stack = [self._children(self._root)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
            elif found["type"] == "directory":
                stack.append(self._children(found["name"]))
            else:
                yield self._entry(found)

    def _children(self, folder: str) -> Iterator[dict[str, Any]]:
        listed = self._filesystem.ls(folder, detail=True, refresh=True)
        names = (found for found in listed if found["name"].rstrip("/") != folder.rstrip("/"))
        return iter(sorted(names, key=lambda found: str(found["name"])))

    def _entry(self, found: dict[str, Any]) -> Entry:
        name = found["name"].lstrip("/").removeprefix(self._root.lstrip("/") + "/")
        return object_entry(name, int(found["size"] or 0), _modified(found), _version(found))

    def head(self, name: str) -> Entry:
        found = self._filesystem.info(self._path(name), refresh=True)
        if found["type"] == "directory":
            raise FileNotFoundError(name)
        return self._entry(found)

    def read(self, name: str, start: int, end: int, is_stopped: IsStopped) -> Block:
        raise_if_stopped(is_stopped)
        return Block(bytes(self._filesystem.cat_file(self._path(name), start=start, end=end)), None)

    def upload(self, path: Path, name: str, part: str, is_stopped: IsStopped) -> None:
        raise_if_stopped(is_stopped)
        if not self._has_folders:
            self._filesystem.put_file(str(path), self._path(name))
            return
        for one in (part, name):
            self._filesystem.makedirs(self._path(one).rpartition("/")[0], exist_ok=True)
        self._filesystem.put_file(str(path), self._path(part))
        self._filesystem.mv(self._path(part), self._path(name))

    def delete(self, name: str) -> None:
        self._filesystem.rm_file(self._path(name))

    def delete_all(self, folder: str, start: str) -> int:
        found: list[str] = []
        with suppress(FileNotFoundError):
            found = [one["name"] for one in self._filesystem.ls(self._path(folder), detail=True, refresh=True)]
        parts = [path for path in found if path.rpartition("/")[2].startswith(start)]
        for path in parts:
            self._filesystem.rm_file(path)
        if found and len(parts) == len(found):
            with suppress(FileNotFoundError):  # some file systems have no empty folders
                self._filesystem.rmdir(self._path(folder))
        return len(parts)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


def _modified(found: dict[str, Any]) -> float | None:
    """Seconds since 1970; file systems name and write the time differently."""
    time = next((found[key] for key in ("mtime", "LastModified", "last_modified", "created") if found.get(key)), None)
    if isinstance(time, datetime):
        return time.timestamp()
    return float(time) if isinstance(time, int | float) else None


def _version(found: dict[str, Any]) -> str:
    etag = next((str(found[key]) for key in ("ETag", "etag", "md5Hash") if found.get(key)), "").strip('"')
    return etag or f"{found['size']}-{_modified(found)}"
