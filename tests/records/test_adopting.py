"""A flow run that brings its request along does it itself; nobody makes a second run of it."""

import pytest

from penstock.domain.request import SourceRequest


@pytest.fixture
def request_of_a_run():
    return SourceRequest(url="https://example.com/adopted.mov", kind="video", format="mp4")


def test_a_run_adopts_the_task_of_its_request(records, project, request_of_a_run):
    task = records.tasks.submit_for_run(project, request_of_a_run, "run-1")

    assert (task.status, task.run_id) == ("processing", "run-1")
    assert task.id not in [submission.task_id for submission in records.tasks.claim_due(100)]


def test_a_task_that_another_run_has_is_left_to_it(records, project, request_of_a_run):
    first = records.tasks.submit_for_run(project, request_of_a_run, "run-1")
    second = records.tasks.submit_for_run(project, request_of_a_run, "run-2")

    assert (second.id, second.run_id) == (first.id, "run-1")
