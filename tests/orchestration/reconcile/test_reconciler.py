"""Lost runs are found by our own clock and replaced, and states whose event was missed are recorded."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.states import Scheduled

from penstock.domain import errors
from penstock.domain.attempts import LostAttempt
from penstock.orchestration.flow_runs import PrefectUnavailable
from penstock.orchestration.reconcile import reconciler as reconciling
from penstock.orchestration.reconcile.reconciler import Reconciler, record_cancel, replace_lost_run
from tests.records.rows import video_request


@dataclass
class Prefect:
    """Every run is in `state`; None: it was deleted. Its clock is `ahead` of ours."""

    state: State | None = None
    ahead: timedelta = timedelta(0)
    freed: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    is_away: bool = False

    async def states(self, run_ids):
        return dict.fromkeys(run_ids, self.state)

    async def free_lease(self, lease_id):
        await self.require_prefect()
        self.freed.append(lease_id)

    async def crash(self, run_id):
        await self.require_prefect()
        self.crashed.append(run_id)

    async def server_time(self):
        return datetime.now(UTC) + self.ahead

    async def start_at(self, run_id, now):
        self.started.append((run_id, abs(now - await self.server_time()) < timedelta(minutes=1)))

    async def require_prefect(self):
        if self.is_away:
            raise PrefectUnavailable("away")


@pytest.fixture
def task(records, project):
    opened = records.tasks.submit(project, video_request())
    due = next(each for each in records.tasks.claim_due(10_000) if each.task_id == opened.id)
    records.tasks.record_run(due, f"run of {opened.id}")
    return opened


@pytest.fixture
def only(records, task, monkeypatch):
    """The reconciler sees no task of another test."""
    everything = records.tasks.submitted_attempts
    monkeypatch.setattr(
        records.tasks,
        "submitted_attempts",
        lambda *page: [each for each in everything(*page) if each.task_id == task.id],
    )


def reconciler_of(records, prefect, lease_seconds=60):
    return Reconciler(records, prefect, attempts=3, lease_seconds=lease_seconds)


def follow_twice(reconciler):
    for _ in range(2):
        asyncio.run(reconciler.follow_states())


def hold_slot(records, task):
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.record_slot(task.id, 1, "me", "its lease")


@pytest.mark.parametrize("days", [-2, 2])
def test_a_run_claimed_just_now_is_not_stuck_whatever_prefect_s_clock_says(records, task, only, days):
    claimed = State(type=StateType.PENDING, timestamp=datetime.now(UTC) + timedelta(days=days))
    follow_twice(reconciler_of(records, Prefect(claimed)))

    assert records.tasks.get_by_id(task.id).attempt == 1


@pytest.mark.parametrize(("seconds", "started"), [(2 * 86_400, 1), (60, 0), (-2 * 86_400, 0)])
def test_a_run_that_a_clock_ahead_has_scheduled_for_later_starts_at_once(records, task, only, seconds, started):
    prefect = Prefect(Scheduled(scheduled_time=datetime.now(UTC) + timedelta(seconds=seconds)))
    asyncio.run(reconciler_of(records, prefect).follow_states())

    assert prefect.started == [(f"run of {task.id}", True)] * started
    assert records.tasks.get_by_id(task.id).attempt == 1


@pytest.mark.parametrize(("ahead", "started"), [(2, 0), (-2, 1)])
def test_a_run_is_late_by_the_clock_of_prefect_alone(records, task, only, ahead, started):
    prefect = Prefect(
        Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=max(ahead, 0))), timedelta(days=ahead)
    )
    asyncio.run(reconciler_of(records, prefect).follow_states())

    assert prefect.started == [(f"run of {task.id}", True)] * started


def test_a_run_that_is_claimed_for_longer_than_a_lease_is_replaced(records, task, only):
    follow_twice(reconciler_of(records, Prefect(State(type=StateType.RUNNING)), lease_seconds=0))

    assert records.tasks.get_by_id(task.id).attempt == 2


@pytest.mark.parametrize("state", [None, State(type=StateType.CRASHED), State(type=StateType.FAILED)])
def test_a_run_that_ended_or_was_deleted_without_an_event_is_replaced(records, task, only, state):
    asyncio.run(reconciler_of(records, Prefect(state)).follow_states())

    assert records.tasks.get_by_id(task.id).attempt == 2


def test_a_cancel_in_prefect_that_was_missed_is_recorded(records, task, only):
    asyncio.run(reconciler_of(records, Prefect(State(type=StateType.CANCELLED))).follow_states())

    assert records.tasks.get_by_id(task.id).status == "cancelled"


def test_the_slot_of_a_lost_run_is_freed_at_once(records, task):
    prefect = Prefect()
    hold_slot(records, task)

    assert asyncio.run(replace_lost_run(task.id, 1, records, prefect, 3))
    assert (prefect.freed, records.tasks.get_by_id(task.id).attempt) == (["its lease"], 2)


def test_a_lost_run_is_replaced_though_prefect_becomes_unavailable(records, task):
    hold_slot(records, task)

    assert asyncio.run(replace_lost_run(task.id, 1, records, Prefect(is_away=True), 3))
    assert records.tasks.get_by_id(task.id).attempt == 2


def test_an_earlier_attempt_is_not_replaced(records, task):
    assert asyncio.run(replace_lost_run(task.id, 1, records, Prefect(), 3))
    assert not asyncio.run(replace_lost_run(task.id, 1, records, Prefect(), 3))
    assert records.tasks.get_by_id(task.id).attempt == 2


def test_a_task_whose_runs_are_lost_too_often_fails(records, task):
    for attempt in (1, 2, 3):
        assert asyncio.run(replace_lost_run(task.id, attempt, records, Prefect(), 3))

    ended = records.tasks.get_by_id(task.id)
    assert (ended.status, ended.error.code) == ("failed", errors.WorkerLost.code)


def test_a_lost_run_of_a_task_that_is_being_cancelled_ends_it(records, project, task):
    records.tasks.begin(task.id, 1, "me", "run")
    records.tasks.cancel(project, task.id)

    assert asyncio.run(replace_lost_run(task.id, 1, records, Prefect(), 3))
    assert records.tasks.get_by_id(task.id).status == "cancelled"


def test_a_stuck_run_is_crashed_in_prefect(records, task, only):
    prefect = Prefect(State(type=StateType.PENDING))
    reconciler = reconciler_of(records, prefect, lease_seconds=0)
    follow_twice(reconciler)
    asyncio.run(reconciler.crash_dead())

    assert prefect.crashed == [f"run of {task.id}"]


def test_a_dead_run_is_crashed_once_as_soon_as_prefect_is_back(records, task, only):
    prefect = Prefect(State(type=StateType.RUNNING))
    reconciler = reconciler_of(records, prefect, lease_seconds=0)
    follow_twice(reconciler)
    prefect.is_away = True
    with pytest.raises(PrefectUnavailable):
        asyncio.run(reconciler.crash_dead())
    prefect.is_away = False
    for _ in range(2):
        asyncio.run(reconciler.crash_dead())

    assert prefect.crashed == [f"run of {task.id}"]


@pytest.fixture
def silent(records, task, monkeypatch):
    """The run of the task has no heartbeat. Returns what the records respond, in turn."""
    records.tasks.begin(task.id, 1, "me", f"run of {task.id}")
    lost = LostAttempt(task.id, 1, f"run of {task.id}")
    responses = [[lost], [lost]]
    monkeypatch.setattr(records.tasks, "lost_attempts", lambda _seconds: responses.pop(0))
    monkeypatch.setattr(reconciling, "BEAT_SECONDS", 0)
    return responses


def test_a_run_without_a_heartbeat_is_replaced(records, task, silent):
    reconciler = reconciler_of(records, Prefect())
    asyncio.run(reconciler.replace_silent())

    assert records.tasks.get_by_id(task.id).attempt == 2
    assert reconciler.dead == {f"run of {task.id}"}


def test_a_run_whose_heartbeat_is_back_at_the_second_read_is_not_replaced(records, task, silent):
    silent[1] = []
    asyncio.run(reconciler_of(records, Prefect()).replace_silent())

    assert records.tasks.get_by_id(task.id).attempt == 1


def test_no_run_is_replaced_while_prefect_is_unavailable(records, task, silent):
    with pytest.raises(PrefectUnavailable):
        asyncio.run(reconciler_of(records, Prefect(is_away=True)).replace_silent())

    assert records.tasks.get_by_id(task.id).attempt == 1


def test_an_error_of_one_part_does_not_keep_the_others_from_running(records, monkeypatch):
    reconciler, called = reconciler_of(records, Prefect()), []

    def part(name):
        async def fail():
            called.append(name)
            raise errors.DatabaseUnavailable("away")

        return fail

    for owner, name in [
        (reconciler, "replace_silent"),
        (reconciler, "follow_states"),
        (reconciler, "crash_dead"),
        (reconciler.without_task, "end"),
        (reconciler.leaked, "free"),
    ]:
        monkeypatch.setattr(owner, name, part(name))
    asyncio.run(reconciler.check())

    assert called == ["replace_silent", "follow_states", "crash_dead", "end", "free"]


def test_a_cancel_from_prefect_asks_the_run_to_stop(records, task):
    records.tasks.begin(task.id, 1, "me", "run")
    record_cancel(task.id, 1, records, final=False)

    assert records.tasks.get_by_id(task.id).state == "cancelling"


def test_a_cancel_of_an_earlier_attempt_is_ignored(records, task):
    asyncio.run(replace_lost_run(task.id, 1, records, Prefect(), 3))
    record_cancel(task.id, 1, records, final=True)

    assert records.tasks.get_by_id(task.id).status == "processing"


async def lose(records, task, *states):
    """Lose a run of the task in each of these states."""
    for attempt, state in enumerate(states, start=1):
        records.tasks.begin(task.id, attempt, f"owner {attempt}", f"run {attempt}")
        records.tasks.set_state(task.id, attempt, state)
        await replace_lost_run(task.id, attempt, records, Prefect(), attempts=3)
    return records.tasks.get_by_id(task.id)


@pytest.mark.parametrize("state", ["fetching", "transcoding"])
def test_an_input_whose_workers_are_always_lost_while_they_read_it_is_quarantined(records, task, state):
    ended = asyncio.run(lose(records, task, state, state, state))
    assert (ended.status, ended.error.code, ended.error.retryable) == ("failed", "input_quarantined", False)


@pytest.mark.parametrize("states", [("fetching", "transcoding", "transcoding"), ("uploading",) * 3])
def test_other_losses_are_no_fault_of_the_input(records, task, states):
    ended = asyncio.run(lose(records, task, *states))
    assert (ended.status, ended.error.code, ended.error.retryable) == ("failed", "worker_lost", True)
