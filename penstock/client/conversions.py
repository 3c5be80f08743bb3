"""Waiting, and one conversion from a path or an address to the ended Task."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Unpack

from penstock.client.batch_models import Batch
from penstock.client.calls import Call, Progress, Sleep, Steps
from penstock.client.models import CompletedTask, StoredFile, Task
from penstock.client.operations import create, only, receipt
from penstock.client.requests import ConversionOptions, RequestedFormat, body_of
from penstock.client.transfers import upload
from penstock.domain.batch.addresses import scheme_of
from penstock.errors import FileNotFound, MediaError, WaitTimeout

# A service that restarts is back in this time.
PATIENCE_SECONDS = 300.0
# With a progress callback the Task is read this often.
PROGRESS_SECONDS = 1.0
MAX_WAIT_SECONDS = 30.0
BATCH_POLL_SECONDS = 1.0
CLEANUP_SECONDS = 10
ENDED_BADLY = ("failed", "cancelled")


def wait_for_task(
    task: Task | str, *, timeout: float | None = None, progress: Progress | None = None
) -> Steps[CompletedTask]:
    """The completed Task, with its receipt. `progress` is called with its state and percentage.

    Raises the error of a Task that failed or was cancelled, `FileNotFound` if its output has been deleted, and
    `WaitTimeout` after `timeout` seconds; the Task then goes on. A restart of the service is waited for."""
    task_id = task if isinstance(task, str) else task.id
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        current: Task = yield from only(_poll(task_id, deadline, progress))
        if progress is not None:
            progress(current.state, current.progress)
        if current.has_ended:
            return (yield from _completed(current))
        if deadline is not None and time.monotonic() >= deadline:
            raise _timeout(f"{task_id} has not ended after {timeout:g} s; it goes on.", task_id)


def _poll(task_id: str, deadline: float | None, progress: Progress | None) -> Call[Task]:
    """A read that the service answers when the task ends, or in time for the next report or the deadline."""
    left = MAX_WAIT_SECONDS if deadline is None else max(0.0, deadline - time.monotonic())
    seconds = min(left, MAX_WAIT_SECONDS if progress is None else PROGRESS_SECONDS)
    patience = PATIENCE_SECONDS if deadline is None else min(left, PATIENCE_SECONDS)
    params = {"wait": round(seconds, 3)} if seconds else {}
    return Call("GET", f"/tasks/{task_id}", Task, params=params, answer_seconds=seconds + 30, patience_seconds=patience)


def _completed(task: Task) -> Steps[CompletedTask]:
    if task.status in ENDED_BADLY:
        raise failure_of(task)
    if task.output is None:
        raise FileNotFound(f"The output of {task.id} has been deleted; the same request makes another.")
    made = yield from receipt(task.id)
    return CompletedTask(**{**vars(task), "output": task.output, "receipt": made})


def failure_of(task: Task) -> MediaError:
    """The error of a Task that failed or was cancelled."""
    if task.error is not None:
        return task.error.exception(task.id)
    error = MediaError(f"{task.id} is {task.status}.")
    error.task_id = task.id
    return error


def _timeout(message: str, task_id: str | None = None) -> WaitTimeout:
    error = WaitTimeout(message)
    error.task_id = task_id
    return error


def wait_for_batch(batch: Batch | str, *, timeout: float | None = None) -> Steps[Batch]:
    """The ended Batch; its lines that failed are no error. Raises the error of a Batch whose manifest could not be
    used, and `WaitTimeout` after `timeout` seconds."""
    batch_id = batch if isinstance(batch, str) else batch.id
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = PATIENCE_SECONDS if deadline is None else max(0.0, deadline - time.monotonic())
        call = Call("GET", f"/batches/{batch_id}", Batch, patience_seconds=min(left, PATIENCE_SECONDS))
        current: Batch = yield from only(call)
        if current.has_ended:
            break
        if deadline is not None and time.monotonic() >= deadline:
            raise _timeout(f"{batch_id} has not ended after {timeout:g} s; it goes on.")
        yield Sleep(BATCH_POLL_SECONDS)
    if current.error is not None:
        raise current.error.exception()
    return current


def start(
    source: str | PathLike[str],
    *,
    format: RequestedFormat,
    progress: Progress | None = None,
    **options: Unpack[ConversionOptions],
) -> Steps[Task]:
    """Begin to convert a file, which is uploaded, or an http(s) address. The upload stays."""
    body = body_of({**options, "format": format})
    if is_address(source):
        return (yield from create(**body, url=fspath(source)))
    uploaded: StoredFile = yield from upload(Path(source), progress=progress)
    try:
        return (yield from create(**body, file_id=uploaded.id))
    except BaseException:
        yield from quietly(_cleanup("DELETE", f"/files/{uploaded.id}"))
        raise


def convert(
    source: str | PathLike[str],
    *,
    format: RequestedFormat,
    timeout: float | None = None,
    progress: Progress | None = None,
    uploaded: Callable[[StoredFile], object] | None = None,
    **options: Unpack[ConversionOptions],
) -> Steps[CompletedTask]:
    """Convert a file or an http(s) address, and wait; see `penstock.convert`. `uploaded` is called with the uploaded
    file, whose facts are known then."""
    body, waiting = body_of({**options, "format": format}), Waiting(timeout, progress, uploaded)
    if is_address(source):
        return (yield from _convert_request(body | {"url": fspath(source)}, waiting))
    return (yield from _convert_file(Path(source), body, waiting))


@dataclass(frozen=True, slots=True)
class Waiting:
    timeout: float | None
    progress: Progress | None
    uploaded: Callable[[StoredFile], object] | None


def _convert_file(path: Path, body: dict[str, Any], waiting: Waiting) -> Steps[CompletedTask]:
    """Upload, convert, delete the upload, unless its Task goes on."""
    uploaded: StoredFile = yield from upload(path, progress=waiting.progress)
    goes_on = False
    try:
        if waiting.uploaded is not None:
            waiting.uploaded(uploaded)
        return (yield from _convert_request(body | {"file_id": uploaded.id}, waiting))
    except WaitTimeout:
        goes_on = True
        raise
    finally:
        if not goes_on:
            yield from quietly(_cleanup("DELETE", f"/files/{uploaded.id}"))


def _convert_request(request: dict[str, Any], waiting: Waiting, *, is_first: bool = True) -> Steps[CompletedTask]:
    """An interrupt cancels a Task that nobody else waits for: one of an upload, and one that was asked for anew.
    Where another program deletes the output in this moment, the request is sent once more."""
    created = yield from create(**request)
    try:
        return (yield from wait_for_task(created, timeout=waiting.timeout, progress=waiting.progress))
    except FileNotFound:
        if not is_first:
            raise
        return (yield from _convert_request(request, waiting, is_first=False))
    except MediaError:
        raise
    except BaseException:
        if "file_id" in request or request.get("fresh"):
            yield from _stop(created.id)
        raise


def _stop(task_id: str) -> Steps[None]:
    """Cancel, and wait for the end: until then its input is in use."""
    yield from quietly(_cleanup("POST", f"/tasks/{task_id}/cancel"))
    yield from quietly(_cleanup("GET", f"/tasks/{task_id}", {"wait": CLEANUP_SECONDS}))


def _cleanup(method: str, path: str, params: Mapping[str, Any] | None = None) -> Call[Any]:
    return Call(method, path, dict, params=params or {}, answer_seconds=2 * CLEANUP_SECONDS, patience_seconds=1.0)


def quietly(call: Call[Any]) -> Steps[None]:
    """A call whose failure changes nothing for the caller."""
    with suppress(MediaError):
        yield call


def is_address(source: str | PathLike[str]) -> bool:
    """Whether it is an address; the service says which ones it takes."""
    return isinstance(source, str) and scheme_of(source) is not None
