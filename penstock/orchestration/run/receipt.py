"""Shows what a run has made in the Prefect UI, once its task is completed: nobody waits for it."""

import logging

from penstock import engines
from penstock.domain import errors
from penstock.domain.stages import Original, Rendition, Reuse, Stored
from penstock.host.home import Home
from penstock.orchestration.run.lease import Run
from penstock.orchestration.run.prefect_artifacts import artifact_key, receipt_artifact
from penstock.orchestration.run.receipt_page import Pictures, ReceiptPage
from penstock.services import Services

log = logging.getLogger(__name__)

# Each frame of a film costs about 0.1 s: a short conversion shows one, a longer one three.
SHORT_SECONDS, SHORT_FRAMES, FRAMES = 5.0, 1, 3


def show_receipt(original: Original, made: Rendition | Reuse, stored: Stored, run: Run) -> None:
    """Create the artifact `receipt-tsk-…`. A fault of it is logged: the task is completed."""
    try:
        _create_artifact(original, made, stored, run)
    except Exception:
        log.exception("the receipt of %s is not shown in Prefect", run.lease.task_id)


def _create_artifact(original: Original, made: Rendition | Reuse, stored: Stored, run: Run) -> None:
    api = _api_url(run.services)
    task_url = f"{api}/tasks/{run.lease.task_id}" if api else ""
    page = ReceiptPage(original, stored, run.stages.seconds, task_url, _pictures(original, made, run))
    receipt_artifact(page.markdown(), artifact_key("receipt", run.lease.task_id), page.headline)


def _pictures(original: Original, made: Rendition | Reuse, run: Run) -> Pictures:
    """None where they cannot be made: the receipt is worth showing without."""
    if not isinstance(made, Rendition):
        return Pictures()
    files = [engines.MediaFile(original.path, original.media), engines.MediaFile(made.path, made.media)]
    frames = SHORT_FRAMES if made.receipt.work.wall_seconds < SHORT_SECONDS else FRAMES
    try:
        pictures = engines.thumbnails(files, run.scratch / "thumbnails", frames, run.services.tools)
    except (errors.MediaError, OSError) as error:
        log.info("the receipt of %s has no pictures: %s", run.lease.task_id, type(error).__name__)
        return Pictures()
    return Pictures(*pictures)


def _api_url(services: Services) -> str:
    settings = services.settings
    service = None if settings.public_url else Home.at(settings.root).running_service()
    return str(settings.public_url or (service.api_url if service else "")).rstrip("/")
