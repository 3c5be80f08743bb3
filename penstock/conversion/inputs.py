"""Fetches the input of a task: a stored file, a URL, or a file in a folder or prefix that a batch reads."""

from pathlib import Path

from penstock import engines
from penstock.conversion.early_refusal import EarlyCheck
from penstock.conversion.line_files import LineFiles, is_line_address
from penstock.domain import errors
from penstock.domain.batch.lines import LineRequest
from penstock.domain.stages import Accepted
from penstock.domain.task import InputVersion, Task
from penstock.services import Services
from penstock.storage.download import download_input


def fetch_bytes(
    accepted: Accepted, path: Path, services: Services, watch: engines.Watch, files: LineFiles | None = None
) -> InputVersion | None:
    """The input at a new local path, and its version; a stored file has none. Raises the errors of downloads, of the
    storage and of `Location.fetch`. `files` are those of the task's batch, if they are open."""
    task, url = accepted.task, accepted.task.request.url or ""
    if accepted.file is not None:
        services.objects.get(require_stored(accepted.file.key), path, watch.stopped)
        return None
    if is_line_address(url):
        return (files or line_files_of(task, services)).fetch(url, path, None, watch.stopped)
    check = EarlyCheck(task.request, services.tools, services.allowed_pairs, services.settings.max_plan_bytes, watch)
    return download_input(url, path, services.fetch_policy, check, watch.stopped)


def require_stored(key: str) -> str:
    """The key. Raises `FileNotFound` for a file that is only at a batch's destination."""
    if not key:
        raise errors.FileNotFound("The file is at the destination of its batch, not in our storage.", field="file_id")
    return key


def line_files_of(task: Task, services: Services) -> LineFiles:
    """The files of the task's batch. Raises `UrlForbidden` for a task of none."""
    if task.batch is None:
        raise errors.UrlForbidden("Only a batch may read this address.", field="url")
    return LineFiles(services.records.batches.get_by_id(task.batch), services)


def destination_of(task: Task) -> str | None:
    """Where a line's output goes; None: our storage."""
    return task.request.destination if isinstance(task.request, LineRequest) else None
