"""Each output has a receipt; cost statistics are computed from them."""

import secrets

import pytest

from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.domain.planning.cost import CostHistory, Estimate, RatioSpread
from penstock.domain.receipt import Checks, InputFacts, Receipt, Work
from penstock.domain.task import Task
from penstock.records import Records
from tests.records.rows import output_of, video_request

ROUGH = Estimate(3, 1.5)
WORK = Work({"video": "copy"}, ["ffmpeg"], {"ffmpeg": "9.0.2"}, wall_seconds=3.0, cpu_seconds=5.0)


@pytest.fixture
def family() -> str:
    return f"mp4 {secrets.token_hex(4)}"


def done(records: Records, task: Task, family: str, rough: Estimate = ROUGH) -> Receipt:
    """The task, run to its end with a receipt: 9 bytes in 3 seconds."""
    file = output_of(task)
    receipt = Receipt(InputFacts(9), file.facts, Checks((), 1.0, None), WORK, family, rough)
    records.tasks.begin(task.id, task.attempt, "me", "run")
    records.tasks.complete(task.id, task.attempt, "me", file, receipt)
    return receipt


def test_a_completed_task_has_its_receipt(records: Records, project: ProjectId, family: str):
    task = records.tasks.submit(project, video_request())
    receipt = done(records, task, family)
    filed = records.receipts.get_for_task(project, task.id)

    assert (filed.task_id, filed.attempt, filed.project_id) == (task.id, 1, project)
    assert filed.body["output"]["sha256"] == receipt.output.sha256
    assert filed.body["work"]["argv"] == ["ffmpeg"]


def test_an_unfinished_task_has_none(records: Records, project: ProjectId):
    task = records.tasks.submit(project, video_request())
    with pytest.raises(errors.NotFound):
        records.receipts.get_for_task(project, task.id)


def test_a_new_attempt_has_a_receipt_of_its_own(records: Records, project: ProjectId, family: str):
    task = records.tasks.submit(project, video_request())
    done(records, task, family)
    again = records.tasks.submit(project, video_request(fresh=True))
    with pytest.raises(errors.NotFound):
        records.receipts.get_for_task(project, task.id)
    second = done(records, again, family)

    assert records.receipts.get_for_task(project, task.id).body["output"]["sha256"] == second.output.sha256


def test_another_project_sees_none(records: Records, project: ProjectId, family: str):
    task = records.tasks.submit(project, video_request())
    done(records, task, family)
    with pytest.raises(errors.NotFound):
        records.receipts.get_for_task(records.keys.new_project(secrets.token_hex(8)), task.id)


def test_the_cost_history_of_a_class_is_computed(records: Records, project: ProjectId, family: str):
    for width, estimated in enumerate((3, 6, 9), 2):
        done(records, records.tasks.submit(project, video_request(width=width)), family, Estimate(estimated, 1.5))
    learnt = records.receipts.cost_history(project, family)

    assert learnt.tasks == 3
    assert (learnt.bytes.middle, learnt.seconds.middle) == (1.5, 2.0)
    assert learnt.bytes.low < 1.5 < learnt.bytes.high


def test_receipts_without_estimate_have_no_ratios(records: Records, project: ProjectId, family: str):
    done(records, records.tasks.submit(project, video_request()), family, Estimate(0, 1.5))
    assert records.receipts.cost_history(project, family) == CostHistory(1, None, RatioSpread(2.0, 2.0, 2.0))


def test_an_unknown_cost_class_has_no_history(records: Records, project: ProjectId):
    assert records.receipts.cost_history(project, "none") == CostHistory(0)


def test_other_projects_do_not_count_in_the_history(records: Records, project: ProjectId, family: str):
    done(records, records.tasks.submit(project, video_request()), family, Estimate(3, 1.5))
    other = records.keys.new_project(secrets.token_hex(8))

    assert records.receipts.cost_history(other, family) == CostHistory(0)
