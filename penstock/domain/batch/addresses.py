"""Addresses of files: `file:///folder/name`, `s3://bucket/key` or of another fsspec protocol.

Only control characters, space, `%`, `?`, `#` and bytes that are no UTF-8 are percent-encoded, so that an address is
readable and a name of 255 bytes is hardly longer in it. Two addresses of one file are equal."""

import os
import re
from urllib.parse import unquote_to_bytes

_ENCODED = re.compile(r"[\x00-\x20\x7f%?#\udc80-\udcff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# Protocols of the same store.
_SYNONYMS = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}


def is_file_id(text: str) -> bool:
    """Whether an input or a manifest is named by the id of a file of ours."""
    return text.startswith(("file_", "med_"))


def percent_encoded(name: str) -> str:
    """A path or key as part of an address."""
    return _ENCODED.sub(lambda found: "".join(f"%{byte:02X}" for byte in _bytes(found[0])), name)


def percent_decoded(text: str) -> str:
    """The inverse of `percent_encoded`; a `%` that begins no code stays."""
    return unquote_to_bytes(_bytes(text)).decode(errors="surrogateescape")


def file_address(path: str) -> str:
    """The address of an absolute local path."""
    return "file://" + percent_encoded(path)


def normalized_address(text: str) -> str:
    """The address that a user wrote: a path, `file:///…`, `s3://…`. A relative path stays below the working folder.

    `.` and `..` are resolved as text, doubled and trailing slashes removed."""
    scheme = scheme_of(text)
    if scheme is None:
        return file_address(_plain_path(os.path.abspath(text)))  # noqa: PTH100 (Path.absolute keeps "..")
    rest = text[_SCHEME.match(text).end() :]  # type: ignore[union-attr]
    if scheme == "file":
        return file_address(_plain_path("/" + percent_decoded(rest.removeprefix("localhost/"))))
    return f"{scheme}://{percent_encoded(_plain_path('/' + percent_decoded(rest))[1:])}"


def scheme_of(text: str) -> str | None:
    """The protocol of an address in lower case; None for a path."""
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else None
    return _SYNONYMS.get(scheme, scheme) if scheme else None


def path_in(address: str) -> str:
    """The decoded path of an address: of a local file the absolute path, of an object `bucket/key`."""
    return percent_decoded(address.partition("://")[2])


def without_user_information(address: str) -> str:
    """The address without a user's name and password, for people."""
    scheme, mark, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else address


def joined_address(root: str, name: str) -> str:
    """The address of a name below a root's address."""
    return f"{root.rstrip('/') if path_in(root) != '/' else 'file://'}/{percent_encoded(name)}"


def split_address(address: str) -> tuple[str, str]:
    """The address of a file's folder, and its name in it. An object without a folder is below its bucket."""
    root, _, name = address.rpartition("/")
    return (root if not root.endswith("//") else root + "/"), percent_decoded(name)


def name_within(root: str, address: str) -> str | None:
    """The name relative to a root's address; None outside it, and for the root itself."""
    below = root if root.endswith("/") else root + "/"
    return percent_decoded(address.removeprefix(below)) or None if address.startswith(below) else None


def _plain_path(path: str) -> str:
    return "/" + os.path.normpath(path).lstrip("/")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
