"""Fetches the input of a task: a stored file, a URL, or a file in a folder or prefix."""

from pathlib import Path

from penstock import engines
from penstock.conversion.early_refusal import EarlyCheck
from penstock.conversion.input_prober import InputProber
from penstock.conversion.line_files import LineFiles
from penstock.conversion.located_files import LocatedFiles, is_located
from penstock.domain import errors
from penstock.domain.batch.lines import LineRequest
from penstock.domain.stages import Accepted
from penstock.domain.task import File, InputVersion, Task
from penstock.services import Services
from penstock.storage.download import download_input


def fetch_bytes(
    accepted: Accepted, path: Path, services: Services, watch: engines.Watch, files: LocatedFiles | None = None
) -> InputVersion:
    """The input at a new local path, and its version. Raises the errors of downloads, of the
    storage and of `Location.fetch`. `files` are those of the task's batch, if they are open."""
    task, url = accepted.task, accepted.task.request.url or ""
    if accepted.file is not None:
        facts = require_media(accepted.file).facts
        services.objects.get(accepted.file.key, path, watch.stopped)
        return InputVersion(length=facts.filesize, sha256=facts.sha256)
    check = EarlyCheck(task.request, services.tools, services.allowed_pairs, services.settings.max_plan_bytes, watch)
    if is_located(url):
        located = files or located_files_of(task, services)
        if task.batch is None:  # the lines of a batch are checked when they are planned
            prober = InputProber.from_settings(services.settings, services.tools, services.fetch_policy)
            check.check_located(*located.located_input(url), prober)
        return located.fetch(url, path, None, watch.stopped)
    return download_input(url, path, services.fetch_policy, check, watch.stopped)


def require_stored(file: File) -> str:
    """The storage key of a file. Raises `FileInUse` for one that is still imported, `FileNotFound` where that failed
    and for one that is only at a destination."""
    if file.status == "processing":
        raise errors.FileInUse("The file is still being imported; wait until its status is ready.", field="file_id")
    if file.status == "failed":
        raise errors.FileNotFound(
            "The import of this file failed, so it has no content; import it again.", field="file_id"
        )
    if file.location is not None:
        raise errors.FileNotFound("The file is at its destination, not in our storage.", field="file_id")
    return file.key


def require_media(file: File) -> File:
    """The file, as the input of a conversion. Raises `FileNotFound` as `require_stored`, and `KindIncompatible` for a
    manifest."""
    require_stored(file)
    if file.facts.kind == "manifest":
        raise errors.KindIncompatible(
            "The file is a manifest of a batch and cannot be converted; send it as manifest to POST /batches.",
            field="file_id",
        )
    return file


def located_files_of(task: Task, services: Services) -> LocatedFiles:
    """The files of the task's batch, or of a deployment's request. Raises `UrlForbidden` for a request of the API."""
    if task.batch is not None:
        return LineFiles(services.records.batches.get_by_id(task.batch), services)
    if not isinstance(task.request, LineRequest):
        raise errors.UrlForbidden("The url must be an http(s) address.", field="url")
    return LocatedFiles(task.id, services)


def destination_of(task: Task) -> str | None:
    """Where a line's output goes; None: our storage."""
    return task.request.destination if isinstance(task.request, LineRequest) else None
