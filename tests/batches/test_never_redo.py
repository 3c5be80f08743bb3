"""A batch that runs again converts what is missing, changed or failed, and says why it skips every other line."""

import os
import shutil
from collections import Counter

import pytest
from PIL import Image

from penstock.batches.feeding import Feeder
from penstock.domain.batch.spec import BatchSpec
from tests.batches.runner import manifest_lines

pytestmark = pytest.mark.media

NAMES = ("a.jpg", "b.jpg", "in folder/c.jpg", "ümläut & 'quotes'.jpg")


@pytest.fixture
def photos(tmp_path):
    """A nested folder of distinct pictures."""
    for number, name in enumerate(NAMES):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (120 + number, 80), (40 * number, 90, 30)).save(path)
        os.utime(path, (1_500_000_000 + number, 1_500_000_000.5 + number))
    return tmp_path / "photos"


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


@pytest.fixture
def again(runner, photos, outputs):
    """Runs the batch; returns its items by the names of their inputs."""

    def run(**options):
        return runner.items(runner.run(spec_of(photos, outputs), **options))

    run()
    return run


def spec_of(source, destination, **changed):
    defaults = changed.pop("defaults", {"format": "webp", "width": 60})
    return BatchSpec(source=str(source), destination=str(destination), defaults=defaults, **changed)


def statuses(items):
    return Counter(item.status for item in items.values())


def test_the_tree_is_mirrored_and_file_times_are_kept(runner, photos, outputs):
    batch = runner.run(spec_of(photos, outputs))
    found = {str(path.relative_to(outputs)) for path in outputs.rglob("*.webp")}

    assert found == {name.replace(".jpg", ".webp") for name in NAMES}
    for name in NAMES:
        assert (outputs / name.replace(".jpg", ".webp")).stat().st_mtime == (photos / name).stat().st_mtime
    assert runner.services.records.batch_items.counts(batch.id).by_status == {"completed": len(NAMES)}
    assert [line["status"] for line in manifest_lines(outputs / "manifest.jsonl")] == ["completed"] * len(NAMES)
    assert not (outputs / ".penstock").exists()


def test_each_line_is_a_task_of_the_batch_with_a_receipt(runner, photos, outputs):
    batch = runner.run(spec_of(photos, outputs))
    item = runner.items(batch)["a.jpg"]
    task = runner.services.records.tasks.get(runner.project, item.task_id)

    assert (task.status, task.batch, task.output.facts.width) == ("completed", batch.id, 60)
    assert task.output.location == f"file://{outputs}/a.webp"
    assert runner.services.records.receipts.get_for_task(runner.project, task.id).body["output"]["width"] == 60


def test_nothing_is_converted_twice(again):
    items = again()

    assert statuses(items) == {"skipped": len(NAMES)}
    assert all(item.reason.startswith("unchanged since ") for item in items.values())


def test_a_missing_output_is_made_again(again, outputs):
    (outputs / "a.webp").unlink()

    assert statuses(again()) == {"completed": 1, "skipped": len(NAMES) - 1}
    assert (outputs / "a.webp").exists()


def test_a_changed_input_replaces_its_own_output(again, photos, outputs):
    before = (outputs / "b.webp").read_bytes()
    Image.new("RGB", (200, 100), "red").save(photos / "b.jpg")

    assert again()["b.jpg"].status == "completed"
    assert (outputs / "b.webp").read_bytes() != before
    assert statuses(again()) == {"skipped": len(NAMES)}


def test_a_failed_line_is_tried_again_and_the_rest_is_not(again, photos):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    first = again()
    Image.new("RGB", (90, 90), "blue").save(photos / "broken.jpg")
    second = again()

    assert (first["broken.jpg"].status, first["broken.jpg"].error.code) == ("failed", "input_truncated")
    assert statuses(first) == {"failed": 1, "skipped": len(NAMES)}
    assert second["broken.jpg"].status == "completed"


def test_a_watched_folder_tries_a_damaged_file_again_only_when_it_has_changed(again, photos):
    (photos / "b.jpg").write_bytes(b"damaged")
    assert again(only="new")["b.jpg"].error.code == "input_unreadable"

    left = again(only="new")
    assert statuses(left) == {"skipped": len(NAMES)}
    assert "input_unreadable, and has not changed" in left["b.jpg"].reason
    shutil.copy(photos / "a.jpg", photos / "b.jpg")
    assert again(only="new")["b.jpg"].status == "completed"


def test_a_line_whose_task_was_cancelled_with_another_batch_is_converted_all_the_same(runner, photos, tmp_path):
    first, second = (spec_of(photos, tmp_path / "same", glob=glob) for glob in (None, "a.jpg"))
    batches, project = runner.services.records.batches, runner.project
    other, shared = runner.start(first), runner.start(second)
    for batch in (other, shared):
        assert Feeder(batch, runner.services).feed()
    batches.cancel(project, other.id)
    runner.services.records.unfinished_runs.cancel_lines(other.id)
    runner.services.records.batch_items.follow_tasks(shared.id)
    runner.convert(shared)

    assert [item.status for item in runner.items(shared).values()] == ["completed"]


def test_a_rerun_of_the_failed_lines_alone_leaves_the_others_as_they_are(again, photos):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    again()
    items = again(only="failed")

    assert statuses(items) == {"failed": 1, "skipped": len(NAMES)}


def test_all_lines_are_converted_again_if_that_is_asked_for(again):
    assert statuses(again(only="all")) == {"completed": len(NAMES)}


def test_another_size_is_another_conversion(runner, again, photos, tmp_path):
    other = runner.items(runner.run(spec_of(photos, tmp_path / "others", defaults={"format": "webp", "width": 30})))

    assert statuses(other) == {"completed": len(NAMES)}


def test_an_output_that_somebody_changed_is_kept(again, outputs, photos):
    (outputs / "a.webp").write_bytes(b"edited by hand")
    items = again()

    assert items["a.jpg"].reason == "another file has the name of the output"
    assert (outputs / "a.webp").read_bytes() == b"edited by hand"


def test_a_sample_leaves_the_rest_for_later(runner, photos, outputs):
    sample = runner.items(runner.run(spec_of(photos, outputs), limit=1))
    whole = runner.items(runner.run(spec_of(photos, outputs)))

    assert statuses(sample) == {"completed": 1, "skipped": len(NAMES) - 1}
    assert statuses(whole) == {"completed": len(NAMES) - 1, "skipped": 1}


def test_an_output_without_a_destination_is_stored_and_linked(runner, photos):
    spec = BatchSpec(source=str(photos), defaults={"format": "png", "width": 20})
    batch = runner.run(spec)
    item = runner.items(batch)["a.jpg"]
    again = runner.items(runner.run(spec))

    file = runner.services.records.files.get(runner.project, item.result["file"])
    assert (file.location, file.facts.width) == (None, 20)
    assert runner.services.records.files.get(runner.project, batch.manifest_id).facts.kind == "manifest"
    assert statuses(again) == {"skipped": len(NAMES)}


def test_a_copy_of_the_folder_is_converted_to_its_own_place(runner, again, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "copy")
    items = runner.items(runner.run(spec_of(tmp_path / "copy", tmp_path / "copies")))

    assert statuses(items) == {"completed": len(NAMES)}
