"""Bring the input into the room and read what it is."""

from pathlib import Path

from prefect import get_run_logger, task

from penstock import engines
from penstock.domain.stages import Accepted, Original
from penstock.early_refusal import EarlyCheck
from penstock.orchestration.run.attempt import Attempt
from penstock.services import current
from penstock.storage.download import download
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
    services, request = current(), accepted.task.request
    look = EarlyCheck(request, services.tools, services.allowed_pairs, services.settings.max_plan_bytes, attempt)
    version = download(request.url or "", path, services.fetch_policy, look, attempt.stopped)
    services.records.tasks.record_input_version(attempt.task_id, attempt.number, version)
