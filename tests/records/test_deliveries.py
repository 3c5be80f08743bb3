"""A delivery exists if and only if the end of its task or batch was committed, however it ended."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from penstock.domain import errors
from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.spec import BatchSpec, RunOptions, lines_digest
from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.pagination import ListQuery
from penstock.domain.task import Task, TaskError
from penstock.domain.webhooks import Delivery, NextStep, Outcome, OutcomeCode, Try, next_step
from penstock.records import Records
from tests.records.rows import begin_task, complete_task, output_of, video_request

HOOK = "https://example.com/hook"


@pytest.fixture
def records(separate_records: Records) -> Records:
    return separate_records


def deliveries(records: Records, subject: str) -> list[Delivery]:
    return list(records.deliveries.page(subject, ListQuery(limit=100, order="asc")).items)


def types_of(records: Records, subject: str) -> list[str]:
    return [each.type for each in deliveries(records, subject)]


def complete(records: Records, task: Task) -> None:
    records.tasks.complete(task.id, task.attempt, "owner", output_of(task))


def fail(records: Records, task: Task) -> None:
    records.tasks.end(task.id, task.attempt, "failed", TaskError("encoder_failed", "It failed."))


def cancel_begun(records: Records, task: Task) -> None:
    records.tasks.cancel(task.project_id, task.id)
    records.tasks.end(task.id, task.attempt, "cancelled")


@pytest.mark.parametrize(
    ("end", "type_"), [(complete, "task.completed"), (fail, "task.failed"), (cancel_begun, "task.cancelled")]
)
def test_every_end_is_delivered_once(
    records: Records, project: ProjectId, end: Callable[[Records, Task], None], type_: str
):
    records.webhooks.add(project, HOOK, None)
    task = begin_task(records, project)
    end(records, task)

    assert types_of(records, task.id) == [type_]


def test_a_task_that_no_run_has_begun_is_delivered_when_it_is_cancelled(records: Records, project: ProjectId):
    records.webhooks.add(project, HOOK, None)
    task = records.tasks.submit(project, video_request())
    records.tasks.cancel(project, task.id)

    assert types_of(records, task.id) == ["task.cancelled"]


def test_what_is_not_committed_is_not_delivered(records: Records, project: ProjectId):
    records.webhooks.add(project, HOOK, None)
    task = begin_task(records, project)
    records.tasks.cancel(project, task.id)
    with pytest.raises(errors.Cancelled):
        complete(records, task)
    with pytest.raises(errors.Superseded):
        records.tasks.complete(task.id, task.attempt, "another owner", output_of(task))

    assert types_of(records, task.id) == []


def test_every_attempt_is_delivered_to_every_receiver(records: Records, project: ProjectId):
    request = video_request(webhook_url=HOOK)
    task = records.tasks.submit(project, request)
    records.tasks.end(task.id, 1, "failed")
    again = records.tasks.submit(project, request.model_copy(update={"webhook_url": f"{HOOK}/2"}))
    complete_task(records, again)

    found = [(each.type, each.url) for each in deliveries(records, task.id)]
    assert found[0] == ("task.failed", HOOK)
    assert sorted(found[1:]) == [("task.completed", HOOK), ("task.completed", f"{HOOK}/2")]


def test_an_ended_task_is_delivered_at_once_to_a_new_receiver_and_once(records: Records, project: ProjectId):
    task = complete_task(records, records.tasks.submit(project, video_request()))
    for _ in range(3):
        assert records.tasks.submit(project, video_request(webhook_url=HOOK)).id == task.id

    assert types_of(records, task.id) == ["task.completed"]


def test_a_receiver_that_comes_while_the_task_ends_is_called_once(records: Records, project: ProjectId):
    tasks = [begin_task(records, project) for _ in range(20)]
    with ThreadPoolExecutor(4) as threads:
        for task in tasks:
            request = task.request.model_copy(update={"webhook_url": HOOK})
            both = [threads.submit(complete, records, task), threads.submit(records.tasks.submit, project, request)]
            assert [done.exception() for done in both] == [None, None]

    assert [types_of(records, task.id) for task in tasks] == [["task.completed"]] * 20


def test_an_endpoint_is_called_for_its_types_only(records: Records, project: ProjectId):
    records.webhooks.add(project, HOOK, ["task.failed"])
    done, failed = begin_task(records, project), begin_task(records, project)
    complete(records, done)
    fail(records, failed)

    assert (types_of(records, done.id), types_of(records, failed.id)) == ([], ["task.failed"])


def test_endpoints_of_other_projects_are_not_called(records: Records, project: ProjectId):
    records.webhooks.add(records.keys.new_project("another"), HOOK, None)
    task = begin_task(records, project)
    complete(records, task)

    assert types_of(records, task.id) == []


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_the_end_of_a_batch_is_delivered(records: Records, project: ProjectId, status: str):
    batch = records.batches.submit(project, order(webhook_url=HOOK))
    records.batches.submit(project, order(webhook_url=f"{HOOK}/2"))  # the same batch, and another receiver
    if status == "cancelled":
        records.batches.cancel(project, batch.id)
    else:
        records.batches.end(batch.id, batch.attempt, status)  # type: ignore[arg-type]

    found = deliveries(records, batch.id)
    assert {(each.type, each.url) for each in found} == {(f"batch.{status}", HOOK), (f"batch.{status}", f"{HOOK}/2")}
    assert records.deliveries.batch_of(found[0].snapshot).status == status


def order(webhook_url: str) -> BatchOrder:
    return BatchOrder(BatchSpec(lines_digest=lines_digest([{}])), RunOptions(webhook_url=webhook_url))


def test_a_claimed_delivery_is_nobody_elses_until_its_lease_ends(records: Records, project: ProjectId):
    ended(records, project)
    (first,) = records.deliveries.claim_due(10, 4)
    assert records.deliveries.claim_due(10, 4) == []
    _run(records, "UPDATE deliveries SET leased_until = now()")

    assert [each.id for each in records.deliveries.claim_due(10, 4)] == [first.id]


def test_several_senders_never_claim_the_same(records: Records, project: ProjectId):
    for number in range(40):
        ended(records, project, f"https://host-{number}.example.com/")
    with ThreadPoolExecutor(8) as senders:
        claimed = [
            one.id for found in senders.map(lambda _: records.deliveries.claim_due(5, 4), range(8)) for one in found
        ]

    assert len(claimed) == len(set(claimed)) == 40


def test_ten_thousand_deliveries_to_a_dead_host_cost_others_nothing(records: Records, project: ProjectId):
    ended(records, project, "https://dead.example.com/")
    _run(
        records,
        "INSERT INTO deliveries (id, project_id, webhook_id, url, host, subject, type, snapshot, due)"
        " SELECT 'dlv_dead' || n, project_id, webhook_id, url, host, subject, type, '{}', now() - interval '1 h'"
        " FROM deliveries, generate_series(1, 10000) AS n",
    )
    alive = [ended(records, project, f"https://alive.example.com/{number}") for number in range(4)]

    claimed = records.deliveries.claim_due(32, 4)
    assert {each.subject for each in claimed if each.host.endswith("alive.example.com")} == set(alive)
    dead = [each for each in claimed if each.host.endswith("dead.example.com")]
    assert len(dead) == 4
    for delivery in dead:
        tried(records, delivery, "timed_out")
    assert records.deliveries.claim_due(32, 4) == []  # the host is left alone
    _run(records, "UPDATE webhook_hosts SET closed_until = now()")
    (only,) = records.deliveries.claim_due(32, 4)  # one at a time, until one is delivered
    assert records.deliveries.claim_due(32, 4) == []
    tried(records, only, "delivered")
    assert len(records.deliveries.claim_due(32, 4)) == 4


def test_failures_at_once_count_as_one(records: Records, project: ProjectId):
    for number in range(4):
        ended(records, project, f"https://dead.example.com/{number}")
    for delivery in records.deliveries.claim_due(32, 4):
        tried(records, delivery, "unreachable")

    assert _run(records, "SELECT failures FROM webhook_hosts") == [(1,)]


def test_one_projects_failures_hold_up_no_other_project_at_the_same_host(records: Records, project: ProjectId):
    other = records.keys.new_project("other")
    for _ in range(5):
        ended(records, project)
    for delivery in records.deliveries.claim_due(32, 4):
        tried(records, delivery, "unavailable")
    subject = ended(records, other)

    assert [each.subject for each in records.deliveries.claim_due(32, 4)] == [subject]


def test_a_receiver_that_is_gone_gets_nothing_more(records: Records, project: ProjectId):
    hook = records.webhooks.add(project, HOOK, None)
    first, second = ended(records, project, None), ended(records, project, None)
    delivery = next(each for each in records.deliveries.claim_due(10, 1))
    tried(records, delivery, "gone")

    assert {each.status for subject in (first, second) for each in deliveries(records, subject)} == {"stopped"}
    assert records.webhooks.get(project, hook.id).disabled is not None
    assert deliveries(records, ended(records, project, None)) == []
    assert records.webhooks.add(project, HOOK, None).disabled is None
    assert len(deliveries(records, ended(records, project, None))) == 1


def test_a_receiver_that_is_gone_for_several_at_once_is_disabled_without_a_deadlock(
    records: Records, project: ProjectId
):
    hook = records.webhooks.add(project, HOOK, None)
    for _ in range(2):
        ended(records, project, None)
    one, other = records.deliveries.claim_due(10, 4)
    with psycopg.connect(records.url) as first, ThreadPoolExecutor(1) as threads:
        first.execute("SELECT 1 FROM webhooks WHERE id = %s FOR UPDATE", [hook.id])  # as one that is gone locks it
        waiting = threads.submit(tried, records, other, "gone")
        with psycopg.connect(records.url, autocommit=True) as watch:
            while not watch.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                assert not waiting.done()
        first.execute("SET lock_timeout = '5s'")
        first.execute("UPDATE deliveries SET status = 'stopped' WHERE webhook_id = %s", [hook.id])
        first.commit()
        waiting.result()

    assert {each.status for each in records.deliveries.page(one.subject, ListQuery()).items} == {"stopped"}


def test_a_delivery_is_tried_ten_times(records: Records, project: ProjectId):
    subject = ended(records, project)
    for _ in range(10):
        _run(records, "UPDATE deliveries SET due = now()")
        _run(records, "DELETE FROM webhook_hosts")
        (delivery,) = records.deliveries.claim_due(10, 4)
        tried(records, delivery, "rejected")

    (delivery,) = deliveries(records, subject)
    assert (delivery.status, len(delivery.log)) == ("failed", 10)
    records.deliveries.replay(project, subject, delivery.id)
    assert [each.id for each in records.deliveries.claim_due(10, 4)] == [delivery.id]


def test_what_could_not_be_sent_in_time_fails(records: Records, project: ProjectId):
    subject = ended(records, project)
    _run(records, "UPDATE deliveries SET since = now() - interval '79 h'")

    assert records.deliveries.expire() == 1
    (delivery,) = deliveries(records, subject)
    assert (delivery.status, delivery.log[-1].code) == ("failed", "expired")


def test_ended_deliveries_are_deleted_after_their_time(records: Records, project: ProjectId):
    kept, old = ended(records, project), ended(records, project)
    _run(
        records,
        f"UPDATE deliveries SET status = 'delivered', created = now() - interval '31 d' WHERE subject = '{old}'",
    )

    assert records.deliveries.delete_older(30) == 1
    assert (len(deliveries(records, kept)), deliveries(records, old)) == (1, [])


def ended(records: Records, project: ProjectId, url: str | None = HOOK) -> str:
    """The id of a new completed task that names this receiver."""
    request = video_request(f"https://example.com/{new_file_id()}")
    request = request.model_copy(update={"webhook_url": url})
    return complete_task(records, records.tasks.submit(project, request)).id


def tried(records: Records, delivery: Delivery, code: OutcomeCode) -> None:
    outcome = Outcome(code)
    step: NextStep = next_step(code, delivery.tries + 1, 1.0)
    records.deliveries.record(delivery, Try("2026-01-31T15:00:00Z", outcome.code, None, 0.1), step, 1.0)


def _run(records: Records, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(records.url, autocommit=True) as connection:
        done = connection.execute(statement)
        return done.fetchall() if done.description else []
