"""The errors of the service, as one tree.

    MediaError                      code, transient; the message is public
    ├── RequestError                the caller has to change the request; never retried
    │   ├── InvalidRequest          all violations of one body
    │   ├── BodyInvalid · BodyTooLarge · MediaTypeUnsupported
    │   ├── FieldRequired · FieldInvalid · FieldUnknown · InputAmbiguous · FormatUnsupported
    │   ├── KindIncompatible · FormatIncompatible · UpscaleNotAllowed · NoAudioStream · NoVideoStream
    │   ├── FileNotFound · TaskNotFound · NotFound · MethodNotAllowed · TaskEnded · FileInUse
    │   └── TokenMissing · TokenInvalid · RateLimited · QueueFull · UrlForbidden
    ├── InputError                  the input could not be fetched or read
    │   ├── InputUnreachable        permanent: 404, a redirect loop …
    │   ├── OriginUnavailable       transient: refused, reset, 429, 5xx
    │   ├── InputTimeout · InputTruncated · InputChanged · InputTooLarge
    │   ├── InputUnreadable · InputQuarantined
    │   └── InputLimitsExceeded
    │       └── ProbeLimitExceeded   probing alone would read too much of it
    ├── EngineError                 encoder_failed: the encoder failed on a readable input
    │   ├── EncoderTimeout · ResourceLimit · OutputInvalid
    │   └── ResourceShortage        transient: the host ran short of memory or processes
    ├── PlatformError               a part of the service is unavailable; all transient
    │   └── StorageUnavailable · DiskFull · DatabaseUnavailable · WorkerLost
    └── Cancelled                   the task was cancelled
        ├── Superseded              a newer attempt or another worker has the task
        └── ReusedFileDeleted       another attempt has to encode

A message is one sentence that a caller can act on, without paths, addresses, stack traces or
encoder output. What the operator needs goes to `detail`, which is only logged. The HTTP status of
each error is in `penstock.api.error_table`; what is retried is in `penstock.tasks.policy`.
"""


class MediaError(Exception):
    """The root. `field` names the field of the request that is wrong; `detail` is only logged.

    `transient`: a retry may succeed, after at least `retry_after_seconds`. `task_id`: set by clients."""

    code: str = "internal"
    transient: bool = False
    task_id: str | None = None

    def __init__(
        self, message: str, *, field: str | None = None, detail: str = "", retry_after_seconds: float = 0.0
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds

    @property
    def primary(self) -> "MediaError":
        """The error whose code and status are reported: itself."""
        return self


class RequestError(MediaError):
    """The caller has to change the request."""


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
    """A body with one or more violations. Code, message and field are those of the first."""

    def __init__(self, violations: tuple[RequestError, ...]) -> None:
        super().__init__(violations[0].message, field=violations[0].field)
        self.code, self.violations = violations[0].code, violations

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
    """The Content-Type of the body is not supported (HTTP 415)."""

    code = "body_invalid"


class BodyTooLarge(RequestError):
    """The body of a request is larger than its limit (HTTP 413)."""

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
        super().__init__(message, retry_after_seconds=retry_after_seconds)


class QueueFull(RequestError):
    code = "queue_full"


class UrlForbidden(RequestError):
    code = "url_forbidden"


class InputError(MediaError):
    """The input could not be fetched or read."""


class InputUnreachable(InputError):
    code = "input_unreachable"


class OriginUnavailable(InputError):
    """Like `InputUnreachable`, but a retry may succeed."""

    code = "input_unreachable"
    transient = True


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
    """Probing the input in parts would read more of it than allowed. The input itself may be within the limits."""


class InputQuarantined(InputError):
    code = "input_quarantined"


class EngineError(MediaError):
    code = "encoder_failed"


class EncoderTimeout(EngineError):
    code = "encoder_timeout"


class ResourceLimit(EngineError):
    code = "resource_limit"


class ResourceShortage(ResourceLimit):
    """The kernel killed the child process although it was within its limits, or no process could be started."""

    transient = True


class OutputInvalid(EngineError):
    code = "output_invalid"


class PlatformError(MediaError):
    """A part of the service is unavailable."""

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
    """Another attempt or worker has the task; this run must not change it any more."""


class ReusedFileDeleted(Cancelled):
    """The output that this attempt reuses was deleted before it could be recorded; another attempt makes a new one."""


def error_classes(root: type[MediaError] = MediaError) -> tuple[type[MediaError], ...]:
    """`root` and all its subclasses here, `root` first; those of clients are in `penstock.errors`."""
    ours = (child for child in root.__subclasses__() if child.__module__ == __name__)
    return (root, *(below for child in ours for below in error_classes(child)))


class Misconfigured(Exception):
    """The operator has to correct the configuration before a command can run. No request raises it."""


class InvalidSettings(Misconfigured):
    """`messages`: one sentence for each wrong setting."""

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
