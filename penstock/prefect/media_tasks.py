"""Tasks that convert one file. The name of a run shows no address, which may carry a secret."""

from os import PathLike
from pathlib import Path
from typing import Unpack

from prefect import get_run_logger, task

from penstock.client import CompletedTask, ConversionOptions, File
from penstock.client.requests import RequestedFormat
from penstock.prefect.credentials import Credentials, async_client_of, client_of
from penstock.prefect.policy import POLICY

Source = str | PathLike[str]


@task(name="convert-media", task_run_name="convert to {format}", **POLICY)
def convert_media(
    source: Source,
    *,
    format: RequestedFormat,
    credentials: Credentials = None,
    timeout: float | None = None,
    **options: Unpack[ConversionOptions],
) -> CompletedTask:
    """Convert a file or an http(s) address, and wait. Raises the errors of `penstock.errors`."""
    with client_of(credentials) as client:
        return _told(client.convert(source, format=format, timeout=timeout, **options))


@task(name="convert-media", task_run_name="convert to {format}", **POLICY)
async def aconvert_media(
    source: Source,
    *,
    format: RequestedFormat,
    credentials: Credentials = None,
    timeout: float | None = None,
    **options: Unpack[ConversionOptions],
) -> CompletedTask:
    """`convert_media` for async flows: while it waits it holds no thread, only a connection."""
    async with await async_client_of(credentials) as client:
        return _told(await client.convert(source, format=format, timeout=timeout, **options))


@task(name="wait-for-task", task_run_name="wait for {task_id}", **POLICY)
def wait_for_task(task_id: str, *, credentials: Credentials = None, timeout: float | None = None) -> CompletedTask:
    """Wait for a Task that something else has requested."""
    with client_of(credentials) as client:
        return _told(client.wait(task_id, timeout=timeout))


@task(name="wait-for-task", task_run_name="wait for {task_id}", **POLICY)
async def await_task(task_id: str, *, credentials: Credentials = None, timeout: float | None = None) -> CompletedTask:
    """`wait_for_task` for async flows: while it waits it holds no thread, only a connection."""
    async with await async_client_of(credentials) as client:
        return _told(await client.wait(task_id, timeout=timeout))


@task(name="download-output", task_run_name="download {output.id}", **POLICY)
def download_output(output: File, to: Source, *, overwrite: bool = False, credentials: Credentials = None) -> Path:
    """Download a File, also one whose link has expired or was not kept with a stored result."""
    with client_of(credentials) as client:
        return client.download(output, to, overwrite=overwrite, resume=True)


def _told(completed: CompletedTask) -> CompletedTask:
    """Logged for people: what was made, and where to look."""
    output, page = completed.output, completed.run.url if completed.run else "no run"
    get_run_logger().info("%s: %s, %d bytes (%s)", completed.id, output.format, output.filesize, page)
    return completed
