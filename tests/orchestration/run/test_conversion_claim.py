"""A run waits for another one that makes the same output, and for nothing else."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from penstock.domain import errors
from penstock.orchestration.run import conversion_claim
from penstock.orchestration.run.conversion_claim import earlier_output
from tests.orchestration.conftest import new_run
from tests.records.rows import begin_task, complete_conversion, output_of, video_request
from tests.service import wait_for


@pytest.fixture
def digest():
    return secrets.token_hex(32)


@pytest.fixture
def maker(host, project, digest):
    """A task whose run makes the output."""
    task = begin_task(host.records, project)
    host.records.conversions.claim(project, {digest: (task.id, 1, "owner")})
    return task


@pytest.fixture
def run(host, project):
    task = host.records.tasks.submit(project, video_request())
    opened = new_run(task.id, host)
    host.records.tasks.begin(task.id, 1, opened.lease.owner, "run")
    return opened


@pytest.fixture
def waiting(monkeypatch):
    """Set once a run has asked in vain."""
    asked, claim = threading.Event(), conversion_claim._claim

    def watched(*given):
        claimed = claim(*given)
        if claimed.earlier is None and not claimed.is_ours:
            asked.set()
        return claimed

    monkeypatch.setattr(conversion_claim, "_claim", watched)
    return asked


def asked(run, project, digest):
    return earlier_output(run, run.services.records.tasks.get(project, run.lease.task_id), digest)


def store(host, file):
    path = host.settings.scratch
    path.write_bytes(b"video")
    host.objects.put(path, file.key, "video/mp4")
    return file


def test_a_conversion_that_nobody_has_made_is_this_run_s(project, run, digest):
    assert asked(run, project, digest) is None


def test_a_run_waits_for_the_one_that_makes_the_output_and_reuses_it(project, run, maker, digest, waiting):
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(asked, run, project, digest)
        assert waiting.wait(30)
        made = complete_conversion(run.services.records, maker, digest, store(run.services, output_of(maker)))

        assert found.result(30).file == made


def test_a_run_takes_over_from_one_that_failed(project, run, maker, digest, waiting):
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(asked, run, project, digest)
        assert waiting.wait(30)
        run.services.records.tasks.end(maker.id, 1, "failed")

        assert found.result(30) is None
    assert run.services.records.conversions.claim(project, {digest: (maker.id, 1, "owner")})[digest].is_ours is False
    assert run.services.records.tasks.losses(run.lease.task_id).count == 1


def test_a_run_that_waits_loses_no_attempt_with_its_worker_and_is_given_back_by_a_drain(project, run, maker, digest):
    services = run.services
    assert services.records.tasks.get_by_id(maker.id).status == "processing"
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(asked, run, project, digest)
        assert wait_for(lambda: services.records.tasks.losses(run.lease.task_id).count == 0)
        services.resumable.give_back_all()

        with pytest.raises(errors.Cancelled):
            found.result(30)
    assert run.stop.reason == "given_back"


def test_a_run_that_waits_can_be_stopped(project, run, maker, digest, waiting):
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(asked, run, project, digest)
        assert waiting.wait(30)
        run.stop.stop("cancelled")

        with pytest.raises(errors.Cancelled):
            found.result(30)


def test_a_run_waits_while_the_database_is_unavailable(project, run, digest, monkeypatch):
    conversions, tries = run.services.records.conversions, iter([errors.DatabaseUnavailable("Away.")])
    claim = conversions.claim

    def unavailable_at_first(*given):
        if (error := next(tries, None)) is not None:
            raise error
        return claim(*given)

    monkeypatch.setattr(conversions, "claim", unavailable_at_first)
    assert asked(run, project, digest) is None


def test_an_output_whose_bytes_are_lost_is_made_again(host, project, run, maker, digest):
    complete_conversion(host.records, maker, digest)

    assert asked(run, project, digest) is None
