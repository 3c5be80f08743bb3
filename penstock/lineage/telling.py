"""Tells the lineage server of what has ended. Several processes share the work; nothing is lost while it is away."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from penstock.domain import errors
from penstock.domain.batch.batch import Batch
from penstock.domain.task import Task
from penstock.domain.webhooks import EndedEvent
from penstock.lineage.datasets import DatasetName, dataset_at, dataset_of
from penstock.services import Services

log = logging.getLogger(__name__)

POLL_SECONDS, RETRY_SECONDS, BROKEN_SECONDS = 2.0, 60.0, 3600.0
PAGE = 50


async def tell_lineage(services: Services) -> None:
    """Tell of what has ended, for ever."""
    emit = await asyncio.to_thread(_emitter)
    while True:
        seconds = await asyncio.to_thread(_tell_page, services, emit)
        await asyncio.sleep(seconds)


def _tell_page(services: Services, emit: Callable[[Any], None]) -> float:
    """Tell of the next page. Returns the seconds until the next one."""
    outbox = services.records.event_outbox
    try:
        due = outbox.claim(PAGE, "lineage")
        for place, event in enumerate(due):
            if (run_events := _made(event, services)) is None:
                outbox.postpone([event], BROKEN_SECONDS)
                continue
            if not _is_told(run_events, emit):
                outbox.postpone(due[place + 1 :], RETRY_SECONDS)
                outbox.postpone([event], RETRY_SECONDS + 1)  # behind the others, so that it cannot block them
                return RETRY_SECONDS
            outbox.remove([event])
    except errors.DatabaseUnavailable:
        return RETRY_SECONDS
    return 0.0 if len(due) == PAGE else POLL_SECONDS


def _made(event: EndedEvent, services: Services) -> Sequence[Any] | None:
    """What is told of an end; None if it cannot be made, which holds up no other."""
    try:
        return _run_events(event, services)
    except errors.DatabaseUnavailable:
        raise
    except Exception:
        log.exception("the lineage of %s cannot be made", event.subject)
        return None


def _is_told(run_events: Sequence[Any], emit: Callable[[Any], None]) -> bool:
    try:
        for run_event in run_events:
            emit(run_event)
    except Exception as error:  # noqa: BLE001 - the client passes on whatever its transport raises
        log.warning("the lineage server takes no events at present: %s", type(error).__name__)
        return False
    return True


def _emitter() -> Callable[[Any], None]:
    from openlineage.client import OpenLineageClient  # noqa: PLC0415 - an optional dependency

    return OpenLineageClient().emit


def _run_events(event: EndedEvent, services: Services) -> Sequence[Any]:
    from penstock.lineage import run_events  # noqa: PLC0415 - imports the optional dependency

    records = services.records
    if event.type.startswith("batch."):
        batch = records.deliveries.batch_of(event.snapshot)
        return run_events.batch_events(run_events.EndedBatch(batch, records.batch_items.counts(batch.id)))
    task = records.deliveries.task_of(event.snapshot)
    ended = run_events.EndedConversion(
        task=task,
        input=_input_of(task, services),
        output=dataset_of(task.output, services.settings.storage) if task.output else None,
        receipt=_receipt_of(task, services),
        batch=_batch_of(task, services),
    )
    return run_events.conversion_events(ended)


def _input_of(task: Task, services: Services) -> DatasetName:
    """An output that is converted again is the dataset that it was as an output."""
    if task.request.url is not None:
        return dataset_at(task.request.url)
    file_id = task.request.file_id or ""
    try:
        file = services.records.files.get_input(task.project_id, file_id)
    except errors.FileNotFound:
        return DatasetName("penstock", file_id)
    return dataset_of(file, services.settings.storage)


def _receipt_of(task: Task, services: Services) -> dict[str, Any] | None:
    try:
        return services.records.receipts.get_for_task(task.project_id, task.id).body
    except errors.NotFound:
        return None


def _batch_of(task: Task, services: Services) -> Batch | None:
    return services.records.batches.get_by_id(task.batch) if task.batch else None
