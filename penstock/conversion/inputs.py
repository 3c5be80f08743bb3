"""Fetches the input of a task: a stored file, a URL, or a file in a folder or prefix that a batch reads."""

from pathlib import Path

from penstock import engines
from penstock.conversion.early_refusal import EarlyCheck
from penstock.conversion.line_files import LineFiles, is_line_address
from penstock.domain import errors
from penstock.domain.batch.lines import LineRequest
from penstock.domain.stages import Accepted
from penstock.domain.task import File, InputVersion, Task
from penstock.services import Services
from penstock.storage.download import download_input


def fetch_bytes(
    accepted: Accepted, path: Path, services: Services, watch: engines.Watch, files: LineFiles | None = None
) -> InputVersion:
    """The input at a new local path, and its version. Raises the errors of downloads, of the
    storage and of `Location.fetch`. `files` are those of the task's batch, if they are open."""
    task, url = accepted.task, accepted.task.request.url or ""
    if accepted.file is not None:
        facts = require_media(accepted.file).facts
        services.objects.get(accepted.file.key, path, watch.stopped)
        return InputVersion(length=facts.filesize, sha256=facts.sha256)
    if is_line_address(url):
        return (files or line_files_of(task, services)).fetch(url, path, None, watch.stopped)
    check = EarlyCheck(task.request, services.tools, services.allowed_pairs, services.settings.max_plan_bytes, watch)
    return download_input(url, path, services.fetch_policy, check, watch.stopped)


def require_stored(file: File) -> str:
    """The storage key of a file. Raises `FileInUse` for one that is still imported, `FileNotFound` where that failed
    and for one that is only at a batch's destination."""
    if file.status == "processing":
        raise errors.FileInUse("The file is still being imported; wait until its status is ready.", field="file_id")
    if file.status == "failed":
        raise errors.FileNotFound(
            "The import of this file failed, so it has no content; import it again.", field="file_id"
        )
    if file.location is not None:
        raise errors.FileNotFound("The file is at the destination of its batch, not in our storage.", field="file_id")
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


def line_files_of(task: Task, services: Services) -> LineFiles:
    """The files of the task's batch. Raises `UrlForbidden` for a task of none."""
    if task.batch is None:
        raise errors.UrlForbidden("Only a batch may read this address.", field="url")
    return LineFiles(services.records.batches.get_by_id(task.batch), services)


def destination_of(task: Task) -> str | None:
    """Where a line's output goes; None: our storage."""
    return task.request.destination if isinstance(task.request, LineRequest) else None
