"""Bring the input into the room and read what it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect import get_run_logger, task

from penstock import engines
from penstock.domain import errors
from penstock.domain.planning import plan_for
from penstock.domain.stages import Accepted, Original
from penstock.orchestration.attempt import Attempt
from penstock.services import current
from penstock.storage.inputs import download
from tasks import policy

CERTAIN = (errors.UpscaleNotAllowed, errors.KindIncompatible, errors.FormatIncompatible)


@task(**policy.FETCH)
def fetch(accepted: Accepted, attempt: Attempt) -> Original:
    with attempt.stage("fetch", policy.DEADLINES["fetch"]):
        services = current()
        path = attempt.room / "input"
        path.unlink(missing_ok=True)
        if accepted.file is not None:
            services.objects.get(accepted.file.key, path)
        else:
            _download(accepted, path, attempt)
        media = engines.probe(path, services.tools)
        services.limits.require_fitting(media.kind, media.filesize)
        get_run_logger().info("fetched %.2f MB of %s (%s)", media.filesize / 1e6, media.kind, media.container)
        return Original(accepted.task, path, media)


def _download(accepted: Accepted, path: Path, attempt: Attempt) -> None:
    services = current()
    request = accepted.task.request

    def refuse_early(head: Path, total: int | None) -> None:
        """What the first bytes already show to be impossible is not downloaded to its end."""
        media = engines.glance(head, services.tools)
        services.limits.require_fitting(media.kind, total or 0)
        with certain():
            plan_for(request, media, services.limits, services.lifted)

    download(request.url or "", path, services.fetch_policy, refuse_early, attempt.stopped)


@contextmanager
def certain() -> Iterator[None]:
    """Let those refusals pass that the rest of the file cannot prove wrong."""
    try:
        yield
    except (errors.RequestError, errors.EngineError) as refusal:
        if isinstance(refusal, CERTAIN):
            raise
