"""A line with a run of its own: what a lost run of it published is its own, any other file is not."""

import pytest
from PIL import Image
from prefect.logging import disable_run_logger

from penstock import engines
from penstock.conversion.convert import convert_original
from penstock.conversion.rendition import Workspace
from penstock.domain import errors
from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.lines import line_request
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.ids import new_file_id
from penstock.domain.stages import Original
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.lease import Run, RunLease
from penstock.orchestration.run.stage_runner import Stages
from penstock.records.batches.line_tasks import LineTask
from penstock.tasks.upload import upload

pytestmark = pytest.mark.media


@pytest.fixture(autouse=True)
def _inside_a_prefect_run():
    with disable_run_logger():
        yield


@pytest.fixture
def task(runner, tmp_path):
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    records = runner.services.records
    batch = records.batches.submit(runner.project, BatchOrder(BatchSpec(source=str(tmp_path)), trusted=True))
    request = line_request(
        {"kind": "image", "format": "webp"}, {}, f"file://{tmp_path}/a.png", f"file://{tmp_path}/a.webp"
    )
    records.chunks.submit_alone(batch.id, runner.project, [LineTask(1, request)])
    return records.tasks.find_current(runner.project, request)


def run_until_upload(services, task, attempt, scratch):
    """What the run of this attempt has stored before it records that."""
    scratch.mkdir()
    owner = f"owner {attempt}"
    begun = services.records.tasks.begin(task.id, attempt, owner, f"run {attempt}")
    run = Run(RunLease(task.id, attempt, owner, new_file_id()), services, scratch, Stages(Heartbeat(lambda *_: False)))
    path = scratch.parent / "a.png"
    original = Original(begun, path, engines.probe(path, services.tools), None)
    return upload.fn(convert_original(original, Workspace(services, scratch, engines.NoWatch())), run)


def test_the_next_run_completes_what_a_lost_one_published(runner, task, tmp_path):
    tasks = runner.services.records.tasks
    run_until_upload(runner.services, task, 1, tmp_path / "first")
    assert tasks.give_back(task.id, 1, "owner 1")
    stored = run_until_upload(runner.services, task, 2, tmp_path / "second")
    done = tasks.complete(task.id, 2, "owner 2", stored.file, stored.receipt)

    assert (done.status, done.output.location) == ("completed", f"file://{tmp_path}/a.webp")


def test_a_file_of_somebody_else_is_not_replaced(runner, task, tmp_path):
    (tmp_path / "a.webp").write_bytes(b"precious")

    with pytest.raises(errors.FieldInvalid, match="was not replaced"):
        run_until_upload(runner.services, task, 1, tmp_path / "first")
    assert runner.services.records.tasks.give_back(task.id, 1, "owner 1")
    with pytest.raises(errors.FieldInvalid, match="was not replaced"):
        run_until_upload(runner.services, task, 2, tmp_path / "second")
    assert (tmp_path / "a.webp").read_bytes() == b"precious"
