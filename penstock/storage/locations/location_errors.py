"""Errors of folders and prefixes as those of the caller's input or destination. Messages name no path."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from penstock.domain import errors
from penstock.storage.error_translation import FULL, STORAGE_ERRORS

_RIGHTS = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))
_NO_FOLDER = frozenset((errno.ENOTDIR, errno.EISDIR, errno.ELOOP))
_S3_RIGHTS = frozenset(("403", "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"))


class OutputExists(Exception):
    """The output's name is taken, and it must not be replaced. The caller decides; it is no error of a task."""


@contextmanager
def translate_input_errors() -> Iterator[None]:
    """Errors of reading a source become `InputUnreachable`, or `OriginUnavailable` if a retry may succeed."""
    try:
        yield
    except STORAGE_ERRORS as error:
        raise _input_error(error) from error


@contextmanager
def translate_destination_errors() -> Iterator[None]:
    """Errors of writing a destination become `DiskFull`, `UrlForbidden`, `FieldInvalid` or `StorageUnavailable`."""
    try:
        yield
    except STORAGE_ERRORS as error:
        raise _destination_error(error) from error


def _input_error(error: Exception) -> errors.InputError:
    detail = repr(error)[:500]
    if isinstance(error, FileNotFoundError) or _number(error) in _NO_FOLDER:
        return errors.InputUnreachable("There is no such file, folder or prefix.", detail=detail)
    if _lacks_rights(error):
        return errors.InputUnreachable("The service has no right to read this file, folder or prefix.", detail=detail)
    if _number(error) == errno.ENAMETOOLONG:
        return errors.InputUnreachable("The path is too long.", detail=detail)
    return errors.OriginUnavailable("The storage of the input does not respond correctly.", detail=detail)


def _destination_error(error: Exception) -> errors.MediaError:
    detail = repr(error)[:500]
    if _number(error) in FULL:
        return errors.DiskFull("The destination is full.", detail=detail)
    if _lacks_rights(error):
        return errors.UrlForbidden(
            "The service has no right to write to the destination.", field="destination", detail=detail
        )
    if _number(error) in _NO_FOLDER:
        return errors.FieldInvalid("A file has the name of the output's folder.", field="destination", detail=detail)
    if _number(error) == errno.ENAMETOOLONG:
        return errors.FieldInvalid("The path of the output is too long.", field="destination", detail=detail)
    return errors.StorageUnavailable("The destination cannot be written to.", detail=detail)


def _number(error: Exception) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _lacks_rights(error: Exception) -> bool:
    """Whether the file system or S3 refuses; s3fs makes a `PermissionError` of most refusals."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    return isinstance(error, PermissionError) or _number(error) in _RIGHTS or str(code) in _S3_RIGHTS
