"""What nobody finished is found by our own clock, and the slot of a dead run is free at once."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.schemas.objects import State, StateType

from penstock.orchestration.flow_runs import PrefectUnavailable
from penstock.orchestration.reconcile.reconciler import Reconciler, replace_lost_run
from tests.records.conftest import asked


@dataclass
class Prefect:
    state: State | None = None
    freed: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    away: bool = False

    async def states(self, run_ids):
        return dict.fromkeys(run_ids, self.state)

    async def free_lease(self, lease_id):
        self._require_presence()
        self.freed.append(lease_id)

    async def crash(self, run_id):
        self._require_presence()
        self.crashed.append(run_id)

    def _require_presence(self):
        if self.away:
            raise PrefectUnavailable("not at home")


@pytest.fixture
def task(records, project):
    opened = records.tasks.submit(project, asked())
    due = next(each for each in records.tasks.claim_due(10_000) if each.task_id == opened.id)
    records.tasks.record_run(due, f"run of {opened.id}")
    return opened


@pytest.fixture
def only(records, task, monkeypatch):
    """The sweep sees no task of another test."""
    unfinished = records.tasks.submitted_attempts
    monkeypatch.setattr(
        records.tasks, "submitted_attempts", lambda *how: [each for each in unfinished(*how) if each.task_id == task.id]
    )


@pytest.mark.parametrize("days", [-2, 2])
def test_a_run_claimed_just_now_is_not_stuck_whatever_prefect_s_clock_says(records, task, only, days):
    claimed = State(type=StateType.PENDING, timestamp=datetime.now(UTC) + timedelta(days=days))
    reconciler = Reconciler(records, Prefect(claimed), attempts=3, lease_seconds=60)
    asyncio.run(reconciler.follow_states())
    asyncio.run(reconciler.follow_states())

    assert records.tasks.get_by_id(task.id).attempt == 1


def test_a_run_that_is_claimed_for_longer_than_a_lease_is_stuck(records, task, only):
    reconciler = Reconciler(records, Prefect(State(type=StateType.RUNNING)), attempts=3, lease_seconds=0)
    asyncio.run(reconciler.follow_states())
    asyncio.run(reconciler.follow_states())

    assert records.tasks.get_by_id(task.id).attempt == 2


def test_the_slot_of_a_lost_run_is_free_at_once(records, task):
    prefect = Prefect()
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.record_slot(task.id, 1, "me", "its lease")

    assert asyncio.run(replace_lost_run(task.id, 1, records, prefect, 3))
    assert (prefect.freed, records.tasks.get_by_id(task.id).attempt) == (["its lease"], 2)


def test_a_stuck_run_takes_no_place_in_prefect_any_more(records, task, only):
    prefect = Prefect(State(type=StateType.PENDING))
    reconciler = Reconciler(records, prefect, attempts=3, lease_seconds=0)
    for _ in range(2):
        asyncio.run(reconciler.follow_states())
    asyncio.run(reconciler.crash_dead())

    assert prefect.crashed == [f"run of {task.id}"]


def test_prefect_hears_that_a_run_is_dead_as_soon_as_it_is_back(records, task, only):
    prefect = Prefect(State(type=StateType.RUNNING))
    reconciler = Reconciler(records, prefect, attempts=3, lease_seconds=0)
    for _ in range(2):
        asyncio.run(reconciler.follow_states())
    prefect.away = True
    with pytest.raises(PrefectUnavailable):
        asyncio.run(reconciler.crash_dead())
    prefect.away = False
    for _ in range(2):
        asyncio.run(reconciler.crash_dead())

    assert prefect.crashed == [f"run of {task.id}"]


def test_a_lost_run_is_replaced_though_prefect_goes_away_meanwhile(records, task):
    prefect = Prefect(away=True)
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.record_slot(task.id, 1, "me", "its lease")

    assert asyncio.run(replace_lost_run(task.id, 1, records, prefect, 3))
    assert records.tasks.get_by_id(task.id).attempt == 2
