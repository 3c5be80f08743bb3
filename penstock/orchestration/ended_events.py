"""Tells Prefect of each ended task and batch, for automations: events `penstock.task.completed` and so on.

They wait in an outbox while Prefect is away. One that is sent twice has the same id, and Prefect keeps it once."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from penstock.batches.batch_facts import facts_of
from penstock.domain import errors
from penstock.domain.webhooks import EndedEvent
from penstock.orchestration.flow_runs import EventsRefused, FlowRuns, PrefectUnavailable
from penstock.records import Records
from penstock.views.events import batch_payload, task_payload

log = logging.getLogger(__name__)

CLAIMED_AT_ONCE = 50
POLL_SECONDS, AWAY_SECONDS, BROKEN_SECONDS = 1.0, 5.0, 3600.0


async def emit_ended(records: Records, runs: FlowRuns, woken: asyncio.Event) -> None:
    """Emit events for ever. `woken` is set when there are new ones; a poll each second finds what was missed."""
    while True:
        woken.clear()
        while await _emit_due(records, runs):
            pass
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await woken.wait()
        except TimeoutError:
            continue


async def _emit_due(records: Records, runs: FlowRuns) -> bool:
    """Emit up to `CLAIMED_AT_ONCE` events. Returns whether there may be more."""
    try:
        due = await asyncio.to_thread(records.event_outbox.claim, CLAIMED_AT_ONCE)
        if not due:
            return False
        made = await asyncio.to_thread(_made, records, due)
        taken = await _taken(runs, made)
        await asyncio.to_thread(records.event_outbox.remove, [event for event in due if event.id in taken])
        await asyncio.to_thread(
            records.event_outbox.postpone, [event for event in due if event.id not in taken], BROKEN_SECONDS
        )
    except PrefectUnavailable as unavailable:
        log.info("%d events wait for Prefect: %s", len(due), unavailable)
        await asyncio.to_thread(records.event_outbox.postpone, due, AWAY_SECONDS)
        return False
    except errors.DatabaseUnavailable:
        return False
    return len(due) == CLAIMED_AT_ONCE


async def _taken(runs: FlowRuns, made: Mapping[str, dict[str, Any]]) -> set[str]:
    """The ids of those that Prefect has taken. Where it refuses them together, each is sent alone."""
    try:
        await runs.emit(list(made.values()))
    except EventsRefused:
        return {event_id for event_id, body in made.items() if await _is_taken(runs, body)}
    return set(made)


async def _is_taken(runs: FlowRuns, body: dict[str, Any]) -> bool:
    try:
        await runs.emit([body])
    except EventsRefused as refused:
        log.warning("Prefect refuses the event of %s (%s)", body["resource"]["prefect.resource.id"], refused)
        return False
    return True


def _made(records: Records, events: list[EndedEvent]) -> dict[str, dict[str, Any]]:
    """The events as Prefect takes them, by their ids. One that cannot be made holds up no other."""
    made = {}
    for event in events:
        try:
            made[event.id] = _body(event, _payload(records, event))
        except errors.DatabaseUnavailable:
            raise
        except Exception:
            log.exception("the event of %s cannot be made", event.subject)
    return made


def _payload(records: Records, event: EndedEvent) -> dict[str, Any]:
    if event.type.startswith("task."):
        return task_payload(records.deliveries.task_of(event.snapshot))
    return batch_payload(facts_of(records, [records.deliveries.batch_of(event.snapshot)])[0])


def _body(event: EndedEvent, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The event as Prefect's `POST /events` takes it."""
    return {
        "id": event.id,
        "occurred": event.created.isoformat(),
        "event": f"penstock.{event.type}",
        "resource": {"prefect.resource.id": f"penstock.{event.type.partition('.')[0]}.{event.subject}"},
        "related": _related(event),
        "payload": payload,
    }


def _related(event: EndedEvent) -> list[dict[str, str]]:
    named = {
        "project": f"penstock.project.{event.project_id}",
        "flow-run": (run := event.snapshot.get("run_id")) and f"prefect.flow-run.{run}",
        "batch": (batch := event.snapshot.get("batch")) and f"penstock.batch.{batch}",
    }
    return [{"prefect.resource.id": each, "prefect.resource.role": role} for role, each in named.items() if each]
