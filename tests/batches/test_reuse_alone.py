"""A line with a run of its own reuses outputs of chunks, and a single request those of batches in our storage."""

import shutil
from functools import partial

import pytest

from penstock import engines
from penstock.conversion.convert import convert_original
from penstock.conversion.outputs import OutputStore, output_file
from penstock.conversion.rendition import Workspace
from penstock.domain.batch.batch import BatchOrder
from penstock.domain.batch.lines import line_request
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.ids import new_file_id
from penstock.domain.request import SourceRequest
from penstock.domain.stages import Original, Rendition, Reuse
from penstock.orchestration.run.conversion_claim import earlier_output
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.lease import Run, RunLease
from penstock.orchestration.run.stage_runner import Stages
from penstock.records.batches.line_tasks import LineTask
from penstock.storage.interruptible import never_stopped
from penstock.storage.local_files import sha256_of

pytestmark = pytest.mark.media

THUMBNAILS = {"kind": "image", "format": "webp", "width": 40}


@pytest.fixture
def photos(tmp_path, media):
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(media("still.png"), folder / "a.png")
    return folder


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def alone(runner, photos, outputs):
    """The task of a line with a destination, which its own run has begun."""
    records, url = runner.services.records, f"file://{photos}/b.png"
    batch = records.batches.submit(runner.project, BatchOrder(BatchSpec(source=str(photos)), trusted=True))
    request = line_request(THUMBNAILS, {}, url, f"file://{outputs}/b.webp")
    records.chunks.submit_alone(batch.id, runner.project, [LineTask(1, request)])
    task = records.tasks.find_current(runner.project, request)
    return records.tasks.begin(task.id, task.attempt, "me", "run")


@pytest.fixture
def single(runner):
    """A task of the API."""
    request = SourceRequest(url="https://example.com/a.png", **THUMBNAILS)
    task = runner.services.records.tasks.submit(runner.project, request)
    return runner.services.records.tasks.begin(task.id, task.attempt, "me", "run")


def converted(services, task, path, scratch):
    """What the run of the task makes of the file."""
    run = Run(RunLease(task.id, 1, "me", new_file_id()), services, scratch, Stages(Heartbeat(lambda *_: False)))
    original = Original(task, path, engines.probe(path, services.tools), sha256_of(path))
    find_earlier = partial(earlier_output, run, task)
    return convert_original(original, Workspace(services, scratch, engines.NoWatch()), find_earlier=find_earlier)


def published(services, made):
    return OutputStore(services, never_stopped).put(made, output_file(made, new_file_id()))


def test_an_output_of_our_storage_is_copied_to_the_destination_of_a_line(runner, photos, outputs, alone, scratch):
    runner.run(BatchSpec(source=str(photos), defaults=THUMBNAILS))
    made = converted(runner.services, alone, photos / "a.png", scratch)
    file = published(runner.services, made)

    assert isinstance(made, Reuse)
    assert (file.location, file.key, file.shares_bytes) == (f"file://{outputs}/b.webp", "", False)
    assert sha256_of(outputs / "b.webp") == made.earlier.facts.sha256 == file.facts.sha256
    assert file.location_version


def test_an_output_at_a_destination_is_copied_to_another(runner, photos, outputs, alone, scratch):
    runner.run(BatchSpec(source=str(photos), destination=str(outputs), defaults=THUMBNAILS))
    published(runner.services, converted(runner.services, alone, photos / "a.png", scratch))

    assert (outputs / "b.webp").read_bytes() == (outputs / "a.webp").read_bytes()
    assert not (outputs / "b.webp").samefile(outputs / "a.webp")


def test_an_output_at_a_destination_that_others_changed_is_made_again(runner, photos, outputs, alone, scratch):
    runner.run(BatchSpec(source=str(photos), destination=str(outputs), defaults=THUMBNAILS))
    (outputs / "a.webp").write_bytes(b"changed")

    assert isinstance(converted(runner.services, alone, photos / "a.png", scratch), Rendition)


def test_a_single_request_reuses_what_a_batch_stored(runner, photos, single, scratch):
    runner.run(BatchSpec(source=str(photos), defaults=THUMBNAILS))
    made = converted(runner.services, single, photos / "a.png", scratch)

    assert isinstance(made, Reuse)
    assert published(runner.services, made).shares_bytes


def test_a_single_request_reads_no_destination_of_a_batch(runner, photos, outputs, single, scratch):
    runner.run(BatchSpec(source=str(photos), destination=str(outputs), defaults=THUMBNAILS))

    assert isinstance(converted(runner.services, single, photos / "a.png", scratch), Rendition)
