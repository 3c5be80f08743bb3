"""What the operating system, fsspec, S3 and the HTTP client raise, in the words of `penstock.domain.errors`."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore
from botocore.exceptions import BotoCoreError, ClientError
from fsspec.exceptions import FSTimeoutError

from penstock.domain import errors

STORAGE_ERRORS = (OSError, BotoCoreError, ClientError, FSTimeoutError, TimeoutError)
# What the HTTP client may raise of an origin's words: its own errors, and Python's about text and numbers.
HTTP_ERRORS = (
    httpcore.ProtocolError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    OSError,
    ValueError,
)
FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


@contextmanager
def translate_storage_errors() -> Iterator[None]:
    """Foreign errors become `StorageUnavailable` or `DiskFull`."""
    try:
        yield
    except STORAGE_ERRORS as fault:
        raise _told(fault) from fault


@contextmanager
def translate_read_errors() -> Iterator[None]:
    """As `translate_storage_errors`, where what is missing is the stored file."""
    try:
        with translate_storage_errors():
            yield
    except errors.StorageUnavailable as fault:
        if isinstance(fault.__cause__, FileNotFoundError):
            raise errors.FileNotFound("This file is no longer stored.", detail=fault.detail) from fault.__cause__
        raise


@contextmanager
def translate_http_errors() -> Iterator[None]:
    """What goes wrong between the HTTP client and an origin becomes `OriginUnavailable`."""
    try:
        yield
    except HTTP_ERRORS as fault:
        raise errors.OriginUnavailable(
            "The origin of the input sent an invalid HTTP answer.", detail=repr(fault)[:500]
        ) from fault


def _told(fault: Exception) -> errors.PlatformError:
    if isinstance(fault, OSError) and fault.errno in FULL:
        return errors.DiskFull("There is no room on the disk at the moment; try again later.", detail=str(fault))
    return errors.StorageUnavailable("The storage does not answer as it should.", detail=repr(fault))
