"""Tasks that convert one file. The name of a run shows no address, which may carry a secret."""

from os import PathLike
from pathlib import Path
from time import monotonic
from typing import Any, Unpack, cast

from prefect import get_run_logger, task

from penstock.client import CompletedTask, ConversionOptions, File
from penstock.client.requests import RequestedFormat
from penstock.domain.batch.addresses import scheme_of
from penstock.errors import FieldInvalid
from penstock.prefect.credentials import Credentials, async_client_of, client_of
from penstock.prefect.deployment_runs import arun_request, run_request
from penstock.prefect.policy import POLICY

Source = str | PathLike[str]
WEB = ("http", "https")
PLACES = ("destination", "overwrite")


class MediaOptions(ConversionOptions, total=False):
    """The optional fields of a request, and those that the API does not take."""

    destination: str | None
    overwrite: bool | None


@task(name="convert-media", task_run_name="convert to {format}", **POLICY)
def convert_media(
    source: Source,
    *,
    format: RequestedFormat,
    credentials: Credentials = None,
    timeout: float | None = None,
    **options: Unpack[MediaOptions],
) -> CompletedTask:
    """Convert a file, an http(s) address, or another one within PENSTOCK_BATCH_ROOTS, and wait. Raises the errors of
    `penstock.errors`.

    Other addresses, such as `s3://bucket/film.mov`, and a `destination` are for the deployment `convert-request`: the
    flow needs the Prefect of the service. A file that has the name of the output is replaced with `overwrite`."""
    request = _for_deployment(source, options)
    with client_of(credentials) as client:
        if request is None:
            return _told(client.convert(source, format=format, timeout=timeout, **_public(options)))
        began = monotonic()
        task_id = run_request({**request, "format": format}, client.project(), timeout)
        return _told(client.wait(task_id, timeout=_left(timeout, began)))


@task(name="convert-media", task_run_name="convert to {format}", **POLICY)
async def aconvert_media(
    source: Source,
    *,
    format: RequestedFormat,
    credentials: Credentials = None,
    timeout: float | None = None,
    **options: Unpack[MediaOptions],
) -> CompletedTask:
    """`convert_media` for async flows: while it waits it holds no thread, only a connection."""
    request = _for_deployment(source, options)
    async with await async_client_of(credentials) as client:
        if request is None:
            return _told(await client.convert(source, format=format, timeout=timeout, **_public(options)))
        began = monotonic()
        task_id = await arun_request({**request, "format": format}, await client.project(), timeout)
        return _told(await client.wait(task_id, timeout=_left(timeout, began)))


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


def _for_deployment(source: Source, options: MediaOptions) -> dict[str, Any] | None:
    """A request that the API does not take, without its format; None: it takes this one. Raises `FieldInvalid`."""
    if options.get("overwrite") and options.get("destination") is None:
        raise FieldInvalid("overwrite needs a destination.", field="overwrite")
    scheme, is_placed = scheme_of(source) if isinstance(source, str) else None, options.get("destination") is not None
    if scheme is None and is_placed:
        raise FieldInvalid(
            "destination needs an address as the source, and this is a file of the flow's machine: convert it without"
            " one, and save what is returned with .save().",
            field="destination",
        )
    return {**options, "url": source} if is_placed or scheme not in (None, *WEB) else None


def _left(timeout: float | None, began: float) -> float | None:
    """The seconds that are left of a timeout."""
    return None if timeout is None else max(0.0, timeout - (monotonic() - began))


def _public(options: MediaOptions) -> ConversionOptions:
    return cast(ConversionOptions, {name: value for name, value in options.items() if name not in PLACES})


def _told(completed: CompletedTask) -> CompletedTask:
    """Logged for people: what was made, and where to look."""
    output, page = completed.output, completed.run.url if completed.run else "no run"
    get_run_logger().info("%s: %s, %d bytes (%s)", completed.id, output.format, output.filesize, page)
    return completed
