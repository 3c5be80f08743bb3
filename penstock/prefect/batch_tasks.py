"""Tasks that convert many files as one batch, and show its lines as a table in the Prefect UI."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from prefect import task
from prefect.artifacts import create_table_artifact

from penstock.client import Batch, BatchItem, Client, ConversionOptions, RequestFields
from penstock.client.requests import RequestedFormat, given
from penstock.domain.file_names import name_in_address
from penstock.prefect.credentials import Credentials, client_of
from penstock.prefect.deployment_runs import run_batch
from penstock.prefect.policy import POLICY

TABLE_LINES = 1000


@dataclass(frozen=True, kw_only=True)
class FolderResult:
    """What became of a folder: how many lines were converted, skipped and refused, and the lines themselves."""

    batch: Batch
    lines: tuple[BatchItem, ...]

    @property
    def converted(self) -> int:
        return self.batch.counts.completed

    @property
    def skipped(self) -> int:
        return self.batch.counts.skipped

    @property
    def refused(self) -> int:
        return self.batch.counts.failed + self.batch.counts.cancelled


@task(name="convert-many", task_run_name="convert many files", **POLICY)
def convert_many(
    items: Sequence[RequestFields],
    *,
    defaults: RequestFields | None = None,
    name: str | None = None,
    credentials: Credentials = None,
    timeout: float | None = None,
) -> list[BatchItem]:
    """Convert many requests as one batch, and return its lines; one that failed has its error."""
    with client_of(credentials) as client:
        body: dict[str, Any] = given(items=list(items), defaults=defaults, name=name)
        batch = client.wait_for_batch(client.create_batch(**body), timeout=timeout)
        lines = list(client.batch_items(batch.id))
        _show(batch, lines, client)
    return lines


@task(name="convert-folder", task_run_name="convert a folder to {format}", **POLICY)
def convert_folder(
    source: str,
    destination: str | None = None,
    *,
    format: RequestedFormat,
    credentials: Credentials = None,
    timeout: float | None = None,
    **options: Unpack[ConversionOptions],
) -> FolderResult:
    """Convert a folder or prefix of the service into another one, within its PENSTOCK_BATCH_ROOTS, by the deployment
    `convert-batch`. Again converts what is missing, changed or failed. Raises the errors of `penstock.errors`."""
    batch = {**options, **given(source=source, destination=destination, format=format)}
    with client_of(credentials) as client:
        ended = client.batch(run_batch(batch, client.project(), timeout))
        lines = tuple(client.batch_items(ended.id))
        _show(ended, lines, client)
    return FolderResult(batch=ended, lines=lines)


def _show(batch: Batch, lines: Sequence[BatchItem], client: Client) -> None:
    """A table with a row for each line. Files of the web are shown by their last part: addresses may carry secrets."""
    rows = [_row(line, client) for line in lines[:TABLE_LINES]]
    if rows:
        description = f"{batch.id}: {batch.counts.completed} converted, {batch.counts.skipped} skipped"
        create_table_artifact(rows, key=f"batch-{batch.id.replace('_', '-')}", description=description)


def _row(line: BatchItem, client: Client) -> dict[str, Any]:
    return {
        "input": _shown(line.input),
        "status": line.status,
        "output": _link(line, client),
        "bytes in": line.bytes_in,
        "bytes out": line.bytes_out,
        "why": line.error.message if line.error else line.reason,
        "task": line.task,
    }


def _shown(source: str) -> str:
    if "://" in source:
        return name_in_address(source) or "an address"
    return source.rpartition("/")[2]


def _link(line: BatchItem, client: Client) -> str | None:
    """A link to the File, which needs the key; outputs at a destination are shown by their address."""
    if line.output is None or not line.output.startswith("file_"):
        return line.output
    return f"[{line.output}]({client.url}/files/{line.output})"
