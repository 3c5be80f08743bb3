"""Bring the input into the room and read what it is."""

from contextlib import suppress
from pathlib import Path

from prefect import get_run_logger, task

from penstock import engines
from penstock.domain import errors
from penstock.domain.compatibility import CONTAINERS, stands
from penstock.domain.media import Media
from penstock.domain.planning import plan_for
from penstock.domain.request import SourceRequest
from penstock.domain.stages import Accepted, Original
from penstock.orchestration.attempt import Attempt
from penstock.services import current
from penstock.storage.inputs import download
from penstock.tasks import policy


@task(**policy.FETCH)
def fetch(accepted: Accepted, attempt: Attempt) -> Original:
    services = current()
    with attempt.stage("fetch", policy.fetch_seconds(services.fetch_policy.longest_seconds)):
        path = attempt.room / "input"
        path.unlink(missing_ok=True)
        if accepted.file is not None:
            services.objects.get(accepted.file.key, path, attempt.stopped)
        else:
            _download(accepted, path, attempt)
        media = engines.probe(path, services.tools, attempt)
        services.limits.require_fitting(media.kind, media.filesize)
        get_run_logger().info("fetched %.2f MB of %s (%s)", media.filesize / 1e6, media.kind, media.container)
        return Original(accepted.task, path, media)


def _download(accepted: Accepted, path: Path, attempt: Attempt) -> None:
    services = current()

    def look(head: Path, total: int | None) -> None:
        with suppress(errors.EngineError):  # half a file may be too much for a decoder that can read the whole
            media = engines.glance(head, services.tools, attempt)
            _refuse_early(accepted.task.request, media, total or 0)

    download(accepted.task.request.url or "", path, services.fetch_policy, look, attempt.stopped)


def _refuse_early(request: SourceRequest, beginning: Media, total: int) -> None:
    """What the first bytes already show to be impossible is not downloaded to its end."""
    services = current()
    largest = max(CONTAINERS[beginning.container].kinds, key=services.limits.input_bytes)
    services.limits.require_fitting(largest, total)
    try:
        plan_for(request, beginning, services.limits, services.lifted)
    except (errors.RequestError, errors.InputError) as refusal:
        if stands(refusal, beginning.container):
            raise
