"""Everything that can go wrong, as one tree.

    MediaError                      code, transient; the message is public
    ├── RequestError                the caller has to change something; never retried
    │   ├── InvalidRequest          several violations of one body at once
    │   ├── BodyInvalid · BodyTooLarge · MediaTypeUnsupported
    │   ├── FieldRequired · FieldInvalid · FieldUnknown · InputAmbiguous · FormatUnsupported
    │   ├── KindIncompatible · FormatIncompatible · UpscaleNotAllowed · NoAudioStream · NoVideoStream
    │   ├── FileNotFound · TaskNotFound · NotFound · MethodNotAllowed · TaskEnded · FileInUse
    │   └── TokenMissing · TokenInvalid · RateLimited · QueueFull · UrlForbidden
    ├── InputError                  the input could not be had, or not be read
    │   ├── InputUnreachable        the origin said no for good (404, a redirect loop …)
    │   ├── OriginUnavailable       transient: refused, reset, 429, 5xx
    │   ├── InputTimeout · InputTruncated · InputChanged · InputTooLarge
    │   ├── InputUnreadable · InputQuarantined
    │   └── InputLimitsExceeded
    │       └── ProbeLimitExceeded   only to look at it, too much would have to be read
    ├── EngineError                 encoder_failed: the encoder gave up on a readable input
    │   ├── EncoderTimeout · ResourceLimit · OutputInvalid
    │   └── ResourceShortage        transient: the host had not enough, through no fault of the input
    ├── PlatformError               ours to heal; all transient
    │   └── StorageUnavailable · DiskFull · DatabaseUnavailable · WorkerLost
    └── Cancelled                   somebody asked for it
        └── Superseded              a newer attempt, or another worker, has this task

A message is one sentence a caller can act on: no path, address, stack or text of an encoder.
What the operator needs goes to `detail`, which only the run's log shows. Which code answers with
which HTTP status is `penstock.api.error_table`; what is retried is `penstock.tasks.policy`.
"""

from typing import ClassVar


class MediaError(Exception):
    """The root. `field` names the offending field of a request, `detail` is for the log alone.

    `retry_after_seconds` is how long another try should wait at least."""

    code: ClassVar[str] = "internal"
    transient: ClassVar[bool] = False
    retry_after_seconds: float = 0.0

    def __init__(self, message: str, *, field: str | None = None, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.detail = detail

    @property
    def primary(self) -> "MediaError":
        """Whose code and status are told: its own."""
        return self


class RequestError(MediaError):
    """The caller has to change something."""


class BodyInvalid(RequestError):
    code = "body_invalid"


class FieldRequired(RequestError):
    code = "field_required"


class FieldInvalid(RequestError):
    code = "field_invalid"


class FieldUnknown(RequestError):
    code = "field_unknown"


class InputAmbiguous(RequestError):
    code = "input_ambiguous"


class FormatUnsupported(RequestError):
    code = "format_unsupported"


class InvalidRequest(RequestError):
    """A body with at least one violation; speaks with the voice of the first."""

    def __init__(self, violations: tuple[RequestError, ...]) -> None:
        super().__init__(violations[0].message, field=violations[0].field)
        self.violations = violations

    @property
    def primary(self) -> MediaError:
        """The first violation."""
        return self.violations[0]

    def __reduce__(self) -> tuple[type, tuple[tuple[RequestError, ...]]]:
        return (type(self), (self.violations,))


class KindIncompatible(RequestError):
    code = "kind_incompatible"


class FormatIncompatible(RequestError):
    code = "format_incompatible"


class UpscaleNotAllowed(RequestError):
    code = "upscale_not_allowed"


class NoAudioStream(RequestError):
    code = "no_audio_stream"


class NoVideoStream(RequestError):
    code = "no_video_stream"


class FileNotFound(RequestError):
    code = "file_not_found"


class TaskNotFound(RequestError):
    code = "task_not_found"


class NotFound(RequestError):
    code = "not_found"


class MethodNotAllowed(RequestError):
    code = "method_not_allowed"


class MediaTypeUnsupported(RequestError):
    """The body came as something that we do not read (HTTP 415)."""

    code = "body_invalid"


class BodyTooLarge(RequestError):
    """The body of a request is over its limit (HTTP 413)."""

    code = "body_invalid"


class TaskEnded(RequestError):
    code = "task_ended"


class FileInUse(RequestError):
    code = "file_in_use"


class TokenMissing(RequestError):
    code = "token_missing"


class TokenInvalid(RequestError):
    code = "token_invalid"


class RateLimited(RequestError):
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class QueueFull(RequestError):
    code = "queue_full"


class UrlForbidden(RequestError):
    code = "url_forbidden"


class InputError(MediaError):
    """The input could not be had, or not be read."""


class InputUnreachable(InputError):
    code = "input_unreachable"


class OriginUnavailable(InputError):
    """Like `InputUnreachable`, but it may answer the next time."""

    code = "input_unreachable"
    transient = True

    def __init__(self, message: str, *, detail: str = "", retry_after_seconds: float = 0.0) -> None:
        super().__init__(message, detail=detail)
        self.retry_after_seconds = retry_after_seconds


class InputTimeout(InputError):
    code = "input_timeout"
    transient = True


class InputTruncated(InputError):
    code = "input_truncated"


class InputChanged(InputError):
    code = "input_changed"
    transient = True


class InputTooLarge(InputError):
    code = "input_too_large"


class InputUnreadable(InputError):
    code = "input_unreadable"


class InputLimitsExceeded(InputError):
    code = "input_limits_exceeded"


class ProbeLimitExceeded(InputLimitsExceeded):
    """It may be a good input: too much of it would have to be read to say so without all of it."""


class InputQuarantined(InputError):
    code = "input_quarantined"


class EngineError(MediaError):
    code = "encoder_failed"


class EncoderTimeout(EngineError):
    code = "encoder_timeout"


class ResourceLimit(EngineError):
    code = "resource_limit"


class ResourceShortage(ResourceLimit):
    """The kernel killed the child although it was within its own limits, or no child could be started."""

    transient = True


class OutputInvalid(EngineError):
    code = "output_invalid"


class PlatformError(MediaError):
    """Something of ours is away for the moment."""

    transient = True


class StorageUnavailable(PlatformError):
    code = "storage_unavailable"


class DiskFull(PlatformError):
    code = "disk_full"


class DatabaseUnavailable(PlatformError):
    code = "database_unavailable"


class WorkerLost(PlatformError):
    code = "worker_lost"


class Cancelled(MediaError):
    code = "cancelled"


class Superseded(Cancelled):
    """Another attempt or worker has taken the task over; this run must change nothing more."""


def error_classes(root: type[MediaError] = MediaError) -> tuple[type[MediaError], ...]:
    """Every class of the tree below `root`, `root` first."""
    return (root, *(below for child in root.__subclasses__() for below in error_classes(child)))


class Misconfigured(Exception):
    """What the operator has to put right before a command can run. No `MediaError`: no request meets it."""


class InvalidSettings(Misconfigured):
    """`messages`: one sentence for each setting that is wrong."""

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
