"""A run that could not report its end to Prefect ends there as its task did."""

from contextlib import contextmanager
from types import SimpleNamespace
from uuid import uuid4

import pytest

from penstock.domain.ids import ProjectId
from penstock.domain.task import TaskError
from penstock.orchestration import run_states
from penstock.orchestration.run_states import recorded_state
from penstock.records import Records
from tests.records.rows import output_of, video_request


@pytest.mark.parametrize(
    ("status", "failure", "told"),
    [
        ("failed", TaskError("worker_lost", "Lost."), "worker_lost: Lost. Recorded late: "),
        ("cancelled", None, "Recorded late: "),
    ],
)
def test_a_run_without_output_ends_as_its_task_did(records: Records, project: ProjectId, status, failure, told):
    run = uuid4()
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", str(run))
    records.tasks.end(task.id, 1, status, failure)

    end = recorded_state(run, records)
    assert end is not None
    assert end.type == status.upper()
    assert (end.message or "").startswith(told)


def test_a_completed_task_completes_its_run(records: Records, project: ProjectId):
    run = uuid4()
    task = records.tasks.submit(project, video_request())
    records.tasks.begin(task.id, 1, "me", str(run))
    records.tasks.complete(task.id, 1, "me", output_of(task))

    end = recorded_state(run, records)
    assert end is not None
    assert end.is_completed()


def test_a_run_whose_task_is_processing_or_unknown_has_no_recorded_state(records: Records, project: ProjectId):
    run = uuid4()
    records.tasks.begin(records.tasks.submit(project, video_request()).id, 1, "me", str(run))

    assert recorded_state(run, records) is None
    assert recorded_state(uuid4(), records) is None


@pytest.mark.parametrize(("tags", "kept"), [(["prj_1", "broken", "code:internal"], ["prj_1"]), (["prj_1"], None)])
def test_a_run_that_begins_again_loses_the_tags_of_its_failure(monkeypatch, tags, kept):
    """And without such tags nothing is asked of Prefect."""
    updated = {}

    @contextmanager
    def client(**_: object):
        yield SimpleNamespace(update_flow_run=lambda run_id, tags: updated.update({run_id: tags}))

    monkeypatch.setattr(run_states, "get_client", client)
    run_states.untag_failure(None, SimpleNamespace(id="run", tags=tags), None)
    assert updated == ({"run": kept} if kept else {})
