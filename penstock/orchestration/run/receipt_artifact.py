"""A receipt, for the eyes of the Prefect UI: no address, no link, nothing that opens anything."""

import logging

import httpx
from prefect.artifacts import create_markdown_artifact

from penstock.domain.receipt import Receipt
from penstock.domain.task import File

log = logging.getLogger(__name__)


def receipt_in_the_ui(file: File, receipt: Receipt) -> None:
    """An artifact of the run. Prefect being away is no reason to fail: the receipt itself is filed already."""
    try:
        create_markdown_artifact(told(file, receipt), description=f"Receipt of {file.id}")
    except httpx.HTTPError as away:
        log.info("the receipt was not shown: %s", type(away).__name__)


def told(file: File, receipt: Receipt) -> str:
    """The receipt as a table."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in _rows(file, receipt) if value is not None)
    return f"### Receipt of {file.id}\n\n| | |\n|---|---|\n{rows}\n"


def _rows(file: File, receipt: Receipt) -> list[tuple[str, object]]:
    output, checks, work = receipt.output, receipt.checks, receipt.work
    drift = checks.drift
    return [
        ("task", file.task_id),
        ("output", f"{output.format}, {output.filesize:,} bytes"),
        ("codecs", output.codecs),
        ("size", f"{output.width}×{output.height}" if output.width else None),
        ("duration", output.duration and f"{output.duration:.3f} s, expected {checks.expected_duration or 0:.3f} s"),
        ("sound against picture", drift and f"{drift.start:+.3f} s at the start, {drift.end:+.3f} s at the end"),
        ("decoded again", ", ".join(f"{stream.decoded} frames of {stream.codec}" for stream in checks.streams)),
        ("likeness", checks.quality and f"{checks.quality.metric} {checks.quality.score}"),
        *((stream, done) for stream, done in work.plan.items() if stream != "format"),
        ("time", f"{work.wall_seconds:.2f} s, {work.cpu_seconds:.2f} s of processors"),
        ("made with", ", ".join(f"{name} {version}" for name, version in work.tools.items())),
        ("sha256", f"`{output.sha256}`"),
    ]
