"""The errors of the client: those of the service, named after their codes (docs/errors.md), and its own.

A refusal has the same class whether it comes from the request, the upload or the failed Task.

    MediaError                  code, message, field, transient, task_id
    ├── every error of the service, such as UpscaleNotAllowed
    ├── UnknownError            a code that this version of the client does not know
    └── ClientError
        ├── ServiceUnreachable  no connection, or an answer of a proxy in between
        ├── ServiceIncompatible the answer is not that of a service of this version
        ├── ServiceNotFound     no address is known, and no service runs on this machine
        ├── WaitTimeout         the Task or Batch has not ended yet
        └── ContentMismatch     a download is not what the service has
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from penstock.domain import errors
from penstock.domain.errors import (
    BodyInvalid,
    BodyTooLarge,
    Cancelled,
    DatabaseUnavailable,
    DiskFull,
    EncoderTimeout,
    EngineError,
    FieldInvalid,
    FieldRequired,
    FieldUnknown,
    FileInUse,
    FileNotFound,
    FormatIncompatible,
    FormatUnsupported,
    InputAmbiguous,
    InputChanged,
    InputError,
    InputLimitsExceeded,
    InputQuarantined,
    InputTimeout,
    InputTooLarge,
    InputTruncated,
    InputUnreachable,
    InputUnreadable,
    InvalidRequest,
    KindIncompatible,
    MediaError,
    MediaTypeUnsupported,
    MethodNotAllowed,
    NoAudioStream,
    NotFound,
    NoVideoStream,
    OriginUnavailable,
    OutputInvalid,
    PlatformError,
    QueueFull,
    RateLimited,
    RequestError,
    ResourceLimit,
    StorageUnavailable,
    TaskEnded,
    TaskNotFound,
    TokenInvalid,
    TokenMissing,
    UpscaleNotAllowed,
    UrlForbidden,
    WorkerLost,
)

__all__ = [
    "BodyInvalid",
    "BodyTooLarge",
    "Cancelled",
    "ClientError",
    "ContentMismatch",
    "DatabaseUnavailable",
    "DiskFull",
    "EncoderTimeout",
    "EngineError",
    "FieldInvalid",
    "FieldRequired",
    "FieldUnknown",
    "FileInUse",
    "FileNotFound",
    "FormatIncompatible",
    "FormatUnsupported",
    "InputAmbiguous",
    "InputChanged",
    "InputError",
    "InputLimitsExceeded",
    "InputQuarantined",
    "InputTimeout",
    "InputTooLarge",
    "InputTruncated",
    "InputUnreachable",
    "InputUnreadable",
    "InvalidRequest",
    "KindIncompatible",
    "MediaError",
    "MediaTypeUnsupported",
    "MethodNotAllowed",
    "NoAudioStream",
    "NoVideoStream",
    "NotFound",
    "OriginUnavailable",
    "OutputInvalid",
    "PlatformError",
    "QueueFull",
    "RateLimited",
    "RequestError",
    "ResourceLimit",
    "ServiceIncompatible",
    "ServiceNotFound",
    "ServiceUnreachable",
    "StorageUnavailable",
    "TaskEnded",
    "TaskNotFound",
    "TokenInvalid",
    "TokenMissing",
    "UnknownError",
    "UpscaleNotAllowed",
    "UrlForbidden",
    "WaitTimeout",
    "WorkerLost",
]


class UnknownError(MediaError):
    """An error of a newer service, with its code."""


class ClientError(MediaError):
    """The service could not be asked, or its answer could not be used."""


class ServiceUnreachable(ClientError):
    code = "service_unreachable"
    transient = True


class ServiceIncompatible(ClientError):
    code = "service_incompatible"


class ServiceNotFound(ClientError):
    code = "service_not_found"


class WaitTimeout(ClientError):
    code = "wait_timeout"
    transient = True


class ContentMismatch(ClientError):
    code = "content_mismatch"
    transient = True


def error_of(body: Mapping[str, Any]) -> MediaError:
    """The error in an answer, or of a Task: of one violation the class of its code, of more an `InvalidRequest`. Where
    `retryable` is not told it is that of the class."""
    violations = [_error(one) for one in body.get("violations") or ()]
    requests = tuple(one for one in violations if isinstance(one, errors.RequestError))
    if len(requests) > 1:
        return InvalidRequest(requests)
    return _error(body)


def _error(body: Mapping[str, Any]) -> MediaError:
    code, is_retryable = str(body.get("code", "internal")), body.get("retryable")
    known = [kind for kind in _classes() if kind.code == code]
    same = [kind for kind in known if kind.transient == is_retryable]
    kind = _first((*same, *known, UnknownError))
    error = kind(str(body.get("message", code)))
    error.code, error.field = code, body.get("field")
    error.transient = kind.transient if is_retryable is None else bool(is_retryable)
    return error


@cache
def _classes() -> tuple[type[MediaError], ...]:
    return tuple(kind for kind in errors.error_classes() if kind is not InvalidRequest)


def _first(kinds: Iterable[type[MediaError]]) -> type[MediaError]:
    return next(iter(kinds))
