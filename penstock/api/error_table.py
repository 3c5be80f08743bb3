"""The table from errors to HTTP statuses, used for responses, documentation and tests."""

from dataclasses import dataclass

from penstock.domain import errors
from penstock.domain.errors import MediaError
from penstock.domain.task import Step

RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """How an error is reported. `retryable`: the same request may succeed later."""

    status: int
    retryable: bool = False
    step: Step | None = None


PROBLEMS: dict[type[MediaError], Problem] = {
    errors.BodyInvalid: Problem(400),
    errors.MediaTypeUnsupported: Problem(415),
    errors.BodyTooLarge: Problem(413),
    errors.FieldRequired: Problem(422, step="validate"),
    errors.FieldInvalid: Problem(422, step="validate"),
    errors.FieldUnknown: Problem(422, step="validate"),
    errors.InputAmbiguous: Problem(422, step="validate"),
    errors.FormatUnsupported: Problem(422, step="validate"),
    errors.KindIncompatible: Problem(422, step="validate"),
    errors.FormatIncompatible: Problem(422, step="validate"),
    errors.UpscaleNotAllowed: Problem(422, step="validate"),
    errors.NoAudioStream: Problem(422, step="validate"),
    errors.NoVideoStream: Problem(422, step="validate"),
    errors.FileNotFound: Problem(404),
    errors.TaskNotFound: Problem(404),
    errors.NotFound: Problem(404),
    errors.MethodNotAllowed: Problem(405),
    errors.TaskEnded: Problem(409),
    errors.FileInUse: Problem(409),
    errors.TokenMissing: Problem(401),
    errors.TokenInvalid: Problem(401),
    errors.RateLimited: Problem(429, retryable=True),
    errors.QueueFull: Problem(429, retryable=True),
    errors.UrlForbidden: Problem(422, step="validate"),
    errors.InputUnreachable: Problem(422),
    errors.OriginUnavailable: Problem(422, retryable=True),
    errors.InputTimeout: Problem(422, retryable=True),
    errors.InputTruncated: Problem(422),
    errors.InputChanged: Problem(422, retryable=True),
    errors.InputTooLarge: Problem(413, step="validate"),
    errors.InputUnreadable: Problem(422, step="validate"),
    errors.InputLimitsExceeded: Problem(422, step="validate"),
    errors.InputQuarantined: Problem(422),
    errors.EngineError: Problem(422),
    errors.EncoderTimeout: Problem(422),
    errors.ResourceLimit: Problem(422),
    errors.ResourceShortage: Problem(503, retryable=True),
    errors.OutputInvalid: Problem(422),
    errors.StorageUnavailable: Problem(503, retryable=True),
    errors.DiskFull: Problem(503, retryable=True),
    errors.DatabaseUnavailable: Problem(503, retryable=True),
    errors.Cancelled: Problem(409),
    errors.WorkerLost: Problem(503, retryable=True),
    MediaError: Problem(500),
}


def problem_of(error: MediaError) -> Problem:
    """The entry for the error's nearest class; for a body with several violations that of the first."""
    return next(PROBLEMS[kind] for kind in type(error.primary).__mro__ if kind in PROBLEMS)


def error_headers(error: MediaError, problem: Problem) -> dict[str, str]:
    """The headers of the response to an error."""
    if problem.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.RateLimited):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {"Retry-After": str(RETRY_SECONDS)} if problem.status in (429, 503) else {}
