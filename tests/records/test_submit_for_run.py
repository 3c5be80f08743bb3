"""A flow run that submits its own request does the attempt itself; no second run is created."""

import pytest

from penstock.domain.request import SourceRequest


@pytest.fixture
def request_of_a_run():
    return SourceRequest(url="https://example.com/adopted.mov", kind="video", format="mp4")


def test_a_run_gets_the_task_of_its_request(records, project, request_of_a_run):
    task = records.tasks.submit_for_run(project, request_of_a_run, "run-1")

    assert (task.status, task.run_id) == ("processing", "run-1")
    assert task.id not in [submission.task_id for submission in records.tasks.claim_due(100)]


def test_a_task_of_another_run_stays_with_it(records, project, request_of_a_run):
    first = records.tasks.submit_for_run(project, request_of_a_run, "run-1")
    second = records.tasks.submit_for_run(project, request_of_a_run, "run-2")

    assert (second.id, second.run_id) == (first.id, "run-1")
