"""A plan says of every line what would be done and what it would cost, and converts nothing."""

import shutil
from datetime import UTC, datetime

import pytest
from PIL import Image

from penstock.batches.reporting import plan_sentence
from penstock.domain.batch.spec import BatchSpec
from penstock.storage.locations import Publication, open_location
from tests.batches.runner import manifest_lines
from tests.range_origin import running_range_origin

pytestmark = pytest.mark.media

THUMBNAILS = {"format": "webp", "width": 40}


@pytest.fixture
def photos(tmp_path):
    """A folder with three pictures and a broken one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png", "new.png"):
        noise = Image.effect_noise((160, 120), 90)
        noise.save((folder if name != "new.png" else tmp_path) / name)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing")
    return folder


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


def spec_of(source, destination, **changed):
    defaults = changed.pop("defaults", THUMBNAILS)
    return BatchSpec(source=str(source), destination=str(destination), defaults=defaults, **changed)


def test_a_plan_says_what_would_be_done_and_converts_nothing(runner, photos, outputs):
    batch = runner.run(spec_of(photos, outputs), plan=True)
    items = runner.items(batch)

    assert batch.status == "planned"
    assert {name: item.status for name, item in items.items()} == {
        "a.png": "planned", "b.png": "planned", "c.png": "planned", "broken.jpg": "failed",
    }  # fmt: skip
    assert items["a.png"].reason.startswith("image: render webp 40x")
    assert items["a.png"].result["action"] == "convert"
    assert items["a.png"].result["bytes_in"] == (photos / "a.png").stat().st_size
    assert items["a.png"].result["bytes_out"] > 0
    assert items["broken.jpg"].error.code == "input_truncated"
    assert [path.name for path in outputs.iterdir()] == ["manifest.jsonl"]
    assert runner.services.records.batch_items.counts(batch.id).total == 4


def test_the_totals_of_a_plan_are_the_sums_of_its_lines(runner, photos, outputs):
    batch = runner.run(spec_of(photos, outputs), plan=True)
    totals = runner.services.records.batch_items.plan_totals(batch.id)
    planned = [item for item in runner.items(batch).values() if item.status == "planned"]

    assert (totals.files, totals.actions, totals.refusals) == (4, {"convert": 3}, {"input_truncated": 1})
    assert totals.bytes_in == sum(path.stat().st_size for path in photos.glob("*.png"))
    assert totals.bytes_out.expected == sum(item.result["bytes_out"] for item in planned)
    assert totals.seconds.expected == pytest.approx(sum(item.result["seconds"] for item in planned))
    assert totals.hours(2).expected == pytest.approx(totals.hours().expected / 2)
    assert plan_sentence(totals).startswith("3 convert, 1 refuse: input_truncated 1 · ")


def test_a_refused_line_has_the_code_that_its_conversion_would_fail_with(runner, photos, outputs):
    batch = runner.run(spec_of(photos, outputs, defaults={"format": "webp", "width": 4000}), plan=True)

    assert runner.items(batch)["a.png"].error.code == "upscale_not_allowed"


def test_a_line_that_is_already_what_was_requested_would_be_copied(runner, tmp_path, media, outputs):
    folder = tmp_path / "films"
    folder.mkdir()
    shutil.copy(media("clip.mp4"), folder)
    batch = runner.run(spec_of(folder, outputs, defaults={"kind": "video", "format": "mov"}), plan=True)

    assert runner.items(batch)["clip.mp4"].result["action"] == "copy"


def test_what_was_converted_is_planned_as_skipped_and_its_cost_is_learnt_from(runner, photos, outputs):
    runner.run(spec_of(photos, outputs))
    shutil.copy(photos.parent / "new.png", photos)
    (photos / "a.png").touch()
    batch = runner.run(spec_of(photos, outputs), plan=True)
    items = runner.items(batch)
    totals = runner.services.records.batch_items.plan_totals(batch.id)

    assert {name: item.status for name, item in items.items()} == {
        "a.png": "planned", "b.png": "skipped", "c.png": "skipped", "new.png": "planned", "broken.jpg": "failed",
    }  # fmt: skip
    assert items["new.png"].result["bytes_out"] == pytest.approx((outputs / "a.webp").stat().st_size, rel=0.1)
    assert (totals.skipped, totals.actions) == (2, {"convert": 2})
    assert totals.bytes_out.low <= totals.bytes_out.expected <= totals.bytes_out.high
    assert runner.services.records.batch_items.counts(batch.id).total == 5


def test_only_a_sample_is_planned_with_a_limit(runner, photos, outputs):
    batch = runner.run(spec_of(photos, outputs), plan=True, limit=2)

    assert runner.services.records.batch_items.plan_totals(batch.id).actions == {"convert": 2}


def test_lines_that_are_not_reached_in_time_stay_queued(runner, photos, outputs):
    batch = runner.run(spec_of(photos, outputs), plan=True, not_after=datetime(2020, 1, 1, tzinfo=UTC))

    assert {item.status for item in runner.items(batch).values()} == {"queued"}


def test_a_plan_can_be_edited_and_given_back_as_a_batch(runner, photos, outputs, tmp_path):
    runner.run(spec_of(photos, outputs), plan=True)
    lines = (outputs / "manifest.jsonl").read_text().splitlines()
    kept = [line for line in lines if not any(name in line for name in ("a.png", "broken.jpg"))]
    kept[0] = kept[0].replace('"request": {', '"request": {"height": 20, ')
    edited = tmp_path / "edited.jsonl"
    edited.write_text("\n".join(kept) + "\n")
    batch = runner.run(BatchSpec(manifest=str(edited), destination=str(outputs)))

    assert {line["status"] for line in manifest_lines(outputs / "manifest.jsonl")} == {"completed"}
    assert sorted(path.name for path in outputs.glob("*.webp")) == ["b.webp", "c.webp"]
    assert runner.items(batch)["b.png"].result["height"] == 20


@pytest.fixture
def large_photo(tmp_path):
    """A JPEG of more than 1 MB, of which a header of 256 KiB is enough."""
    path = tmp_path / "large.jpg"
    noise = Image.effect_noise((1600, 1200), 90).convert("RGB")
    noise.save(path, quality=95)
    return path


def test_of_a_remote_picture_only_the_header_is_read(runner, outputs, tmp_path, large_photo):
    with running_range_origin() as origin:
        origin.files = {"large.jpg": large_photo.read_bytes()}
        lines = tmp_path / "lines.csv"
        lines.write_text(f"input\n{origin.address}/parts/large.jpg\n")
        batch = runner.run(BatchSpec(manifest=str(lines), destination=str(outputs), defaults=THUMBNAILS), plan=True)

    result = runner.items(batch)["large.jpg"].result
    assert (result["action"], result["bytes_in"], result["width"]) == ("convert", large_photo.stat().st_size, 40)
    assert origin.sent < 300_000


def test_pictures_of_a_prefix_are_planned(runner, outputs, tmp_path, large_photo):
    prefix = open_location(f"memory://{tmp_path.name}/in", None)
    prefix.publish(large_photo, Publication("large.jpg", "bat_1"))
    batch = runner.run(spec_of(prefix.address, outputs), plan=True)

    assert runner.items(batch)["large.jpg"].result["action"] == "convert"


def test_an_output_that_a_manifest_names_outside_the_destination_is_refused(runner, photos, outputs, tmp_path):
    lines = tmp_path / "lines.csv"
    lines.write_text(f"input,output\n{photos / 'a.png'},file:///elsewhere/a.webp\n")
    batch = runner.run(BatchSpec(manifest=str(lines), destination=str(outputs), defaults=THUMBNAILS), plan=True)

    assert runner.items(batch)["a.png"].error.field == "output"


def test_the_output_of_an_upload_that_was_converted_before_would_be_reused(runner, photos, tmp_path):
    file = runner.upload(photos / "a.png")
    lines = tmp_path / "lines.csv"
    lines.write_text(f"input\n{file.id}\n")
    stored = BatchSpec(manifest=str(lines), defaults=THUMBNAILS)
    runner.run(stored)
    shutil.copy(lines, tmp_path / "again.csv")
    other = BatchSpec(manifest=str(tmp_path / "again.csv"), destination=str(tmp_path / "out"), defaults=THUMBNAILS)
    [item] = runner.items(runner.run(other, plan=True)).values()

    assert (item.status, item.result["action"], item.result["seconds"]) == ("planned", "reuse", 0.0)
