"""How a run's end is recorded: nothing that was committed is lost, nothing that was cancelled is published."""

from contextlib import contextmanager, suppress

import pytest

from penstock.domain import errors
from penstock.orchestration.run.attempt import Attempt, attempt_at
from tests.records.conftest import asked, output_of


@pytest.fixture
def task(host, project):
    return host.records.tasks.submit(project, asked())


@contextmanager
def failing(error, task):
    """A run that ends by this error."""
    with pytest.raises(error), attempt_at(task.id, 1) as run:
        yield run


def begun(host, run: Attempt) -> None:
    host.records.tasks.begin(run.task_id, run.number, run.owner, "run")
    run.begun()


def upload(host, run: Attempt, task):
    """The output of this run, stored and not yet recorded."""
    file = output_of(task)
    path = run.room / "output"
    path.write_bytes(b"film")
    run.output_id = file.id
    run.stored = file.key
    host.objects.put(path, file.key, "video/mp4")
    return file


def record(host, run: Attempt, file) -> None:
    host.records.tasks.complete(run.task_id, run.number, run.owner, file)


def test_a_commit_whose_reply_is_lost_is_found_by_the_next_try(host, task):
    with attempt_at(task.id, 1) as run:
        begun(host, run)
        file = upload(host, run, task)
        with suppress(errors.DatabaseUnavailable), run.stage("record", 60):
            record(host, run, file)
            raise errors.DatabaseUnavailable("the reply was lost")
        assert run.stop.wait(30), "the heartbeat is told that the attempt is over"
        with run.stage("record", 60):
            record(host, run, file)

    assert host.task(task).status == "completed"
    assert host.objects.exists(file.key)


def test_a_committed_output_keeps_its_bytes_though_every_reply_is_lost(host, task):
    with failing(errors.DatabaseUnavailable, task) as run:
        begun(host, run)
        file = upload(host, run, task)
        record(host, run, file)
        raise errors.DatabaseUnavailable("the reply was lost")

    assert host.task(task).status == "completed"
    assert host.objects.exists(file.key)


def test_what_was_stored_and_not_recorded_is_deleted(host, task):
    with failing(errors.StorageUnavailable, task) as run:
        begun(host, run)
        file = upload(host, run, task)
        raise errors.StorageUnavailable("away")

    assert host.task(task).status == "failed"
    assert not host.objects.exists(file.key)


def test_an_output_stays_while_nobody_can_say_whether_it_is_recorded(host, task, monkeypatch):
    def away(*_: object, **__: object):
        raise errors.DatabaseUnavailable("away")

    with failing(errors.StorageUnavailable, task) as run:
        begun(host, run)
        file = upload(host, run, task)
        monkeypatch.setattr(host.records.tasks, "end", away)
        raise errors.StorageUnavailable("away")

    assert host.objects.exists(file.key)


def test_an_accepted_cancel_wins_over_a_finish(host, project, task):
    with failing(errors.Cancelled, task) as run:
        begun(host, run)
        file = upload(host, run, task)
        host.records.tasks.cancel(project, task.id)
        with run.stage("record", 60):
            record(host, run, file)

    assert host.task(task).status == "cancelled"
    assert not host.objects.exists(file.key)


def test_a_stop_of_the_worker_hands_the_task_on(host, task):
    with failing(errors.Cancelled, task) as run:
        begun(host, run)
        host.live.give_back()
        with run.stage("fetch", 60):
            pass

    after = host.task(task)
    assert (after.status, after.attempt) == ("processing", 2)


def test_a_stop_of_the_worker_ends_a_task_that_is_being_cancelled(host, project, task):
    with failing(errors.Cancelled, task) as run:
        begun(host, run)
        host.live.give_back()
        host.records.tasks.cancel(project, task.id)
        with run.stage("fetch", 60):
            pass

    assert host.task(task).status == "cancelled"


def test_a_run_that_was_overtaken_ends_nothing(host, hasty, task):
    with failing(errors.InputUnreadable, task) as run:
        hasty.tasks.begin(task.id, 1, run.owner, "run")
        hasty.tasks.begin(task.id, 1, "another worker", "run")
        raise errors.InputUnreadable("damaged")

    assert host.task(task).status == "processing"


def test_waiting_for_a_slot_is_no_part_of_a_stage_s_time(host, task):
    with attempt_at(task.id, 1) as run, run.stage("transcode", 0.05):
        with run.untimed():
            assert not run.stop.wait(0.3)
        assert run.stop.wait(30)
    assert run.stop.reason == "overdue"
