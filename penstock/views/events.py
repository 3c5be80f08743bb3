"""The payloads of Prefect's events. Everybody who sees Prefect can read them: no addresses, no links, no names."""

from typing import Any

from penstock.domain.task import File, Task
from penstock.views.batches import BatchFacts

_OUTPUT_FACTS = (
    "kind", "format", "type", "filesize", "sha256", "codecs", "width", "height", "duration", "fps", "frames", "bitrate",
)  # fmt: skip


def task_payload(task: Task) -> dict[str, Any]:
    """The facts of an ended task. `input` is null where it is an address."""
    request = task.request
    return {
        "task": task.id,
        "status": task.status,
        "attempt": task.attempt,
        "input": request.file_id,
        "kind": request.kind,
        "format": request.format,
        "error": {"code": task.error.code, "message": task.error.message} if task.error else None,
        "output": _output(task.output) if task.output else None,
        "batch": task.batch,
        "project": task.project_id,
    }


def batch_payload(facts: BatchFacts) -> dict[str, Any]:
    """The facts of an ended batch."""
    batch, counts = facts.batch, facts.counts
    return {
        "batch": batch.id,
        "status": batch.status,
        "attempt": batch.attempt,
        "counts": {"total": counts.total, **counts.by_status},
        "bytes_in": counts.bytes_in,
        "bytes_out": counts.bytes_out,
        "error": {"code": batch.error.code, "message": batch.error.message} if batch.error else None,
        "manifest": batch.manifest_id,
        "project": batch.project_id,
    }


def _output(file: File) -> dict[str, Any]:
    return {"file": file.id} | {name: getattr(file.facts, name) for name in _OUTPUT_FACTS}
