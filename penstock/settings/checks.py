"""Checks of the settings that are not numbers. Each returns its value, or raises a `ValueError` whose text follows the
setting's name: "must be …". A value that may contain a password is never part of the text."""

import os
import re
import sys
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from penstock.domain.batch.roots import parse_roots
from penstock.domain.planning.matrix import REFUSED_PAIRS
from penstock.domain.web_addresses import parse_allowed, quoted
from penstock.sandbox.job import JailMode

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{1,254}")


def home(path: Path) -> Path:
    """A folder, or a path where one can be created."""
    try:
        root = path.expanduser().resolve()
        nearest = next(path for path in (root, *root.parents) if path.exists())
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError("must be a folder, and this is not a valid path") from error
    if not nearest.is_dir():
        raise ValueError(f"must be a folder: {quoted(str(nearest))} is a file")
    if nearest == root and _is_another_users(root):
        raise ValueError(f"must be a folder of yours: {quoted(str(root))} belongs to another user")
    return path


def _is_another_users(folder: Path) -> bool:
    """All files in it are closed to others, so that each command would end in the middle."""
    if sys.platform == "win32":
        return False
    return folder.stat().st_uid != os.getuid() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def program(path: Path) -> Path:
    try:
        exists = path.is_file()
    except (OSError, ValueError):
        exists = False
    if not exists:
        raise ValueError(f"must be a program: there is no file {quoted(str(path))}")
    return path


def key(text: str) -> str:
    if not _VISIBLE.fullmatch(text):
        raise ValueError("must be printable ASCII characters without spaces")
    return text


def database_url(url: str) -> str:
    """One server, in a form that both libpq and SQLAlchemy accept."""
    from psycopg import ProgrammingError, conninfo  # noqa: PLC0415 - 0.1 s in every command, and few set a URL

    if _split(url).scheme not in ("postgresql", "postgres"):
        raise ValueError("must be the URL of a PostgreSQL database: postgresql://user:password@host/database")
    try:
        fields = conninfo.conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ValueError("must be a valid PostgreSQL URL, like postgresql://user@host/name") from error
    if "," in str(fields.get("host", "")) or not _is_port(str(fields.get("port", 5432))):
        raise ValueError("must name one host and, if any, a port from 1 to 65535")
    return url


def storage_url(url: str) -> str:
    parts = _split(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return _storage_folder(url, Path(unquote(parts.path)))
    if parts.scheme == "s3" and _BUCKET.fullmatch(parts.netloc) and not (parts.query or parts.fragment):
        return url
    hint = f"; for that folder write {quoted(f'file://{url}')}" if url.startswith("/") else ""
    raise ValueError(f"must be file:///folder or s3://bucket/prefix{hint}")


def _storage_folder(url: str, folder: Path) -> str:
    try:
        home(folder)
    except ValueError as error:
        raise ValueError(str(error).replace("must be a folder", "must be the URL of a folder")) from error
    return url


def web_url(url: str) -> str:
    """An http(s) URL of a host, with a port and a path if needed."""
    parts = _split(url)
    host, _, port = parts.netloc.rpartition(":") if re.search(r":[^]]*$", parts.netloc) else (parts.netloc, "", "80")
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or not _is_port(port):
        raise ValueError("must be a URL like https://media.example:8443")
    if parts.query or parts.fragment or not _VISIBLE.fullmatch(url):
        raise ValueError("must be a URL without spaces, ? and #")
    return url


def hosts(text: str) -> str:
    for entry in _entries(text):
        host, colon, port = entry.rpartition(":") if re.search(r":\d*$", entry) else (entry, "", "")
        if not _HOST.fullmatch(host) or (colon and not _is_port(port)):
            raise ValueError(f"must be comma-separated hosts, like media.example, 10.0.0.5:8000, not {quoted(entry)}")
    return text


def fetch_allow(text: str) -> str:
    parse_allowed(text)
    return text


def batch_roots(text: str) -> str:
    parse_roots(text)
    return text


def pairs(text: str) -> str:
    known = [f"{source}:{target}" for source, target in REFUSED_PAIRS]
    for entry in _entries(text):
        if entry not in known:
            raise ValueError(f"must be comma-separated pairs out of {', '.join(known)}, not {quoted(entry)}")
    return text


def jail(mode: JailMode) -> JailMode:
    """All of the jail can be required where this machine has it."""
    if mode == "require":
        from penstock.sandbox.jail import parts_on, this_kernel  # noqa: PLC0415 - few require it

        if missing := parts_on(this_kernel()).missing:
            raise ValueError(f"cannot be require: this machine lacks {' and '.join(missing)}")
    return mode


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ValueError("must be a valid URL") from error


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65_535
