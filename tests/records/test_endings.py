"""A run that could not tell Prefect its end is told of as its task ended."""

from uuid import uuid4

import pytest

from penstock.domain.ids import ProjectId
from penstock.orchestration.late_states import recorded_end
from penstock.records import Records

from .conftest import asked, output_of


@pytest.mark.parametrize(("status", "state"), [("failed", "FAILED"), ("cancelled", "CANCELLED")])
def test_an_end_without_an_output_is_told_as_what_it_was(records: Records, project: ProjectId, status, state):
    run = uuid4()
    task = records.tasks.submit(project, asked())
    records.tasks.begin(task.id, 1, "me", str(run))
    records.tasks.end(task.id, 1, status)

    end = recorded_end(run, records)
    assert end is not None
    assert end.type == state


def test_a_completed_task_completes_its_run(records: Records, project: ProjectId):
    run = uuid4()
    task = records.tasks.submit(project, asked())
    records.tasks.begin(task.id, 1, "me", str(run))
    records.tasks.complete(task.id, 1, "me", output_of(task))

    end = recorded_end(run, records)
    assert end is not None
    assert end.is_completed()


def test_nothing_is_told_of_a_run_whose_task_goes_on_or_is_nobodys(records: Records, project: ProjectId):
    run = uuid4()
    records.tasks.begin(records.tasks.submit(project, asked()).id, 1, "me", str(run))

    assert recorded_end(run, records) is None
    assert recorded_end(uuid4(), records) is None
