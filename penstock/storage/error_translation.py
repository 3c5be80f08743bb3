"""Translates the errors of the operating system, fsspec, S3 and the HTTP client to those of
`penstock.domain.errors`."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore
from botocore.exceptions import BotoCoreError, ClientError
from fsspec.exceptions import FSTimeoutError

from penstock.domain import errors

STORAGE_ERRORS = (OSError, BotoCoreError, ClientError, FSTimeoutError, TimeoutError)
# What httpcore may raise for an origin's response: its own errors, and Python's for invalid text and numbers.
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
    """Errors of a storage become `StorageUnavailable` or `DiskFull`."""
    try:
        yield
    except STORAGE_ERRORS as error:
        raise _platform_error(error) from error


@contextmanager
def translate_read_errors() -> Iterator[None]:
    """The same for reading a stored file: a missing one becomes `FileNotFound`."""
    try:
        with translate_storage_errors():
            yield
    except errors.StorageUnavailable as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise errors.FileNotFound("This file is no longer stored.", detail=error.detail) from error.__cause__
        raise


@contextmanager
def translate_http_errors() -> Iterator[None]:
    """Errors of a request to an origin become `OriginUnavailable`."""
    try:
        yield
    except HTTP_ERRORS as error:
        raise errors.OriginUnavailable(
            "The origin of the input sent an invalid HTTP response.", detail=repr(error)[:500]
        ) from error


def _platform_error(error: Exception) -> errors.PlatformError:
    if isinstance(error, OSError) and error.errno in FULL:
        return errors.DiskFull("The disk is full; try again later.", detail=str(error))
    return errors.StorageUnavailable("The storage does not respond correctly.", detail=repr(error))
