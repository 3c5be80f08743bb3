"""Bring the input into the room and read what it is."""

from pathlib import Path

from prefect import get_run_logger, task

from penstock import engines
from penstock.domain.planning import plan_for
from penstock.domain.stages import Accepted, Original
from penstock.orchestration.attempt import Attempt
from penstock.services import current
from penstock.storage.inputs import download
from tasks import policy


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
        get_run_logger().info("fetched %.2f MB of %s (%s)", media.filesize / 1e6, media.kind, media.container)
        return Original(accepted.task, path, media)


def _download(accepted: Accepted, path: Path, attempt: Attempt) -> None:
    services = current()
    request = accepted.task.request

    def refuse_early(head: Path, _total: int | None) -> None:
        """What the first bytes already show to be impossible is not downloaded to its end."""
        plan_for(request, engines.probe(head, services.tools), services.limits, services.lifted)

    download(request.url or "", path, services.fetch_policy, refuse_early, attempt.stopped)
