"""How a run's end is recorded: nothing that was committed is lost, nothing that was cancelled is published."""

from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from penstock.domain import errors
from penstock.orchestration.run.lease import Run
from penstock.orchestration.run.lifecycle import failure_of, open_run
from tests.records.rows import output_of, video_request


@pytest.fixture
def task(host, project):
    return host.records.tasks.submit(project, video_request())


@contextmanager
def failing(error, task, host):
    """A run that ends with this error."""
    with pytest.raises(error), open_run(task.id, 1, host) as run:
        yield run


def begin(host, run: Run) -> None:
    host.records.tasks.begin(run.lease.task_id, run.lease.attempt, run.lease.owner, "run")
    run.begin_heartbeat()


def upload(host, run: Run, task):
    """Store an output and do not record it yet."""
    with run.stages.stage("upload", 60):
        file = replace(output_of(task), id=run.lease.output_id, key=run.lease.output_key(task.project_id))
        path = run.scratch / "output"
        path.write_bytes(b"video")
        host.objects.put(path, file.key, "video/mp4")
        return file


def record(host, run: Run, file) -> None:
    host.records.tasks.complete(run.lease.task_id, run.lease.attempt, run.lease.owner, file)


def test_the_scratch_folder_is_removed_when_the_run_ends(host, task):
    with open_run(task.id, 1, host) as run:
        assert run.scratch.is_dir()
    assert not run.scratch.exists()


def test_a_commit_whose_reply_is_lost_is_found_by_the_next_try(host, task):
    with open_run(task.id, 1, host) as run:
        begin(host, run)
        file = upload(host, run, task)
        with suppress(errors.DatabaseUnavailable), run.stages.stage("record", 60):
            record(host, run, file)
            raise errors.DatabaseUnavailable("the reply was lost")
        assert run.stop.wait(30), "the heartbeat learns that the attempt has ended"
        with run.stages.stage("record", 60):
            record(host, run, file)

    assert host.task(task).status == "completed"
    assert host.objects.exists(file.key)


def test_a_committed_output_keeps_its_bytes_though_every_reply_is_lost(host, task):
    with failing(errors.DatabaseUnavailable, task, host) as run:
        begin(host, run)
        file = upload(host, run, task)
        record(host, run, file)
        raise errors.DatabaseUnavailable("the reply was lost")

    assert host.task(task).status == "completed"
    assert host.objects.exists(file.key)


def test_a_stored_output_that_is_not_recorded_is_deleted(host, task):
    with failing(errors.StorageUnavailable, task, host) as run:
        begin(host, run)
        file = upload(host, run, task)
        raise errors.StorageUnavailable("unavailable")

    assert host.task(task).status == "failed"
    assert not host.objects.exists(file.key)


def test_a_run_that_fails_before_its_upload_deletes_nothing(host, task, monkeypatch):
    deleted = []
    monkeypatch.setattr(type(host.objects), "delete", lambda _self, key: deleted.append(key))
    with failing(errors.InputUnreadable, task, host) as run:
        begin(host, run)
        with run.stages.stage("fetch", 60):
            raise errors.InputUnreadable("damaged")

    assert deleted == []


def test_an_output_stays_while_the_database_cannot_say_whether_it_is_recorded(host, task, monkeypatch):
    def unavailable(*_: object, **__: object):
        raise errors.DatabaseUnavailable("unavailable")

    with failing(errors.StorageUnavailable, task, host) as run:
        begin(host, run)
        file = upload(host, run, task)
        monkeypatch.setattr(host.records.tasks, "end", unavailable)
        raise errors.StorageUnavailable("unavailable")

    assert host.objects.exists(file.key)


def test_an_accepted_cancel_wins_over_a_finish(host, project, task):
    with failing(errors.Cancelled, task, host) as run:
        begin(host, run)
        file = upload(host, run, task)
        host.records.tasks.cancel(project, task.id)
        with run.stages.stage("record", 60):
            record(host, run, file)

    assert host.task(task).status == "cancelled"
    assert not host.objects.exists(file.key)


def test_a_stop_of_the_worker_hands_the_task_on(host, task):
    with failing(errors.Cancelled, task, host) as run:
        begin(host, run)
        host.live.give_back_all()
        with run.stages.stage("fetch", 60):
            pass

    after = host.task(task)
    assert (after.status, after.attempt) == ("processing", 2)


def test_a_run_whose_reused_output_was_deleted_hands_the_task_on(host, task):
    with failing(errors.ReusedFileDeleted, task, host) as run:
        begin(host, run)
        with run.stages.stage("record", 60):
            record(host, run, replace(output_of(task), key="prj_1/file_that_was_deleted"))

    after = host.task(task)
    assert (after.status, after.attempt) == ("processing", 2)


def test_a_stop_of_the_worker_ends_a_task_that_is_being_cancelled(host, project, task):
    with failing(errors.Cancelled, task, host) as run:
        begin(host, run)
        host.live.give_back_all()
        host.records.tasks.cancel(project, task.id)
        with run.stages.stage("fetch", 60):
            pass

    assert host.task(task).status == "cancelled"


def test_a_superseded_run_ends_nothing(host, records_without_lease, task):
    with failing(errors.InputUnreadable, task, host) as run:
        records_without_lease.tasks.begin(task.id, 1, run.lease.owner, "run")
        records_without_lease.tasks.begin(task.id, 1, "another worker", "run")
        raise errors.InputUnreadable("damaged")

    assert host.task(task).status == "processing"


def test_an_unexpected_error_reveals_no_internals():
    failure = failure_of(RuntimeError("/secret/path"), "transcode")

    assert failure.code == "internal"
    assert "secret" not in failure.message


def keep(host, task):
    place = host.settings.kept_outputs / task.id
    place.mkdir(parents=True)
    return place


@pytest.mark.parametrize(
    ("error", "is_kept"), [(errors.StorageUnavailable, True), (errors.OutputInvalid, False), (errors.Cancelled, False)]
)
def test_a_verified_output_stays_where_another_attempt_may_publish_it(host, task, error, is_kept):
    with failing(error, task, host) as run:
        begin(host, run)
        place = keep(host, task)
        with run.stages.stage("upload", 60):
            raise error("not stored")
    assert place.exists() == is_kept
