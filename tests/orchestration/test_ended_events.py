"""Prefect is told of each ended task, when it is back and once."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import psycopg

from penstock.domain.ids import ProjectId
from penstock.orchestration import ended_events
from penstock.orchestration.flow_runs import EventsRefused, PrefectUnavailable
from penstock.records import Records
from tests.records.rows import complete_task, video_request


@dataclass
class Prefect:
    """Away for the first calls; refuses all that come with an event of the resource `refused`."""

    away: int = 0
    refused: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)

    async def emit(self, events: list[dict[str, Any]]) -> None:
        if self.away:
            self.away -= 1
            raise PrefectUnavailable("ConnectError")
        if any(event["resource"]["prefect.resource.id"] == self.refused for event in events):
            raise EventsRefused(422)
        self.events += events


def emitted(records: Records, prefect: Prefect, count: int) -> None:
    """Emit until there are so many."""

    async def emit() -> None:
        emitting = asyncio.create_task(ended_events.emit_ended(records, prefect, asyncio.Event()))  # type: ignore[arg-type]
        async with asyncio.timeout(20):
            while len(prefect.events) < count or claimable_soon(records):
                await asyncio.sleep(0.02)
        emitting.cancel()

    asyncio.run(emit())


def claimable_soon(records: Records) -> int:
    """How many events are due, or are when the claim on them ends."""
    with psycopg.connect(records.url) as connection:
        soon = connection.execute("SELECT count(*) FROM event_outbox WHERE due < now() + interval '1 min'").fetchone()
    return int(soon[0]) if soon else 0


def test_every_end_reaches_prefect_when_it_is_back(separate_records, monkeypatch):
    monkeypatch.setattr(ended_events, "AWAY_SECONDS", 0.1)
    records: Records = separate_records
    project = records.keys.new_project("one")
    tasks = [ended_task(records, project, number) for number in range(120)]
    prefect = Prefect(away=2)
    emitted(records, prefect, 120)

    assert sorted(event["resource"]["prefect.resource.id"] for event in prefect.events) == sorted(
        f"penstock.task.{task}" for task in tasks
    )
    assert len({event["id"] for event in prefect.events}) == 120


def test_an_event_that_cannot_be_made_holds_up_no_other(separate_records):
    records: Records = separate_records
    project = records.keys.new_project("one")
    broken, *others = [ended_task(records, project, number) for number in range(3)]
    with psycopg.connect(records.url, autocommit=True) as connection:
        connection.execute("UPDATE event_outbox SET snapshot = '{}' WHERE subject = %s", [broken])
        prefect = Prefect()
        emitted(records, prefect, 2)
        kept = connection.execute("SELECT subject, due > now() + interval '1 min' FROM event_outbox").fetchall()

    assert {event["resource"]["prefect.resource.id"] for event in prefect.events} == {
        f"penstock.task.{task}" for task in others
    }
    assert kept == [(broken, True)]


def test_an_event_that_prefect_refuses_holds_up_no_other(separate_records):
    records: Records = separate_records
    project = records.keys.new_project("one")
    refused, *others = [ended_task(records, project, number) for number in range(3)]
    prefect = Prefect(refused=f"penstock.task.{refused}")
    emitted(records, prefect, 2)

    assert {event["resource"]["prefect.resource.id"] for event in prefect.events} == {
        f"penstock.task.{task}" for task in others
    }
    with psycopg.connect(records.url) as connection:
        assert connection.execute("SELECT subject FROM event_outbox").fetchall() == [(refused,)]


def test_an_event_that_was_claimed_by_a_sender_that_died_keeps_its_id(separate_records):
    records: Records = separate_records
    ended_task(records, records.keys.new_project("one"), 0)
    (claimed,) = records.event_outbox.claim(10)
    assert records.event_outbox.claim(10) == []
    records.event_outbox.postpone([claimed], 0)  # its claim ends

    assert [event.id for event in records.event_outbox.claim(10)] == [claimed.id]


def test_what_prefect_was_not_told_of_for_a_week_is_dropped(separate_records):
    records: Records = separate_records
    ended_task(records, records.keys.new_project("one"), 0)

    assert records.event_outbox.delete_older(7) == 0
    assert records.event_outbox.delete_older(0) == 1


def ended_task(records: Records, project: ProjectId, number: int) -> str:
    request = video_request(f"https://example.com/{number}")
    return complete_task(records, records.tasks.submit(project, request)).id
