"""Whatever is wrong with one line has a word at that line; what is wrong with all of them ends the batch with one."""

import os
from collections import Counter

import pytest
from PIL import Image

from penstock.batches import listing
from penstock.domain import errors
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.pagination import ListQuery
from penstock.storage.locations.folder import FolderLocation
from tests.batches.runner import manifest_lines

pytestmark = pytest.mark.media

STRANGE_NAMES = (
    b"two  words.jpg", b"quotes'\".jpg", b"new\nline.jpg", b"-dash.jpg", b"100%.jpg", b"what?#.jpg",
    b"no utf-8 \xff\xe4.jpg", "日本語.jpg".encode(), b"x" * 251 + b".jpg",
)  # fmt: skip


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def picture(path, color="red"):
    Image.new("RGB", (60, 40), color).save(path, "JPEG")


def spec_of(source, destination, **changed):
    return BatchSpec(source=str(source), destination=str(destination), defaults={"format": "webp"}, **changed)


def from_manifest(path, destination, **defaults):
    return BatchSpec(manifest=str(path), destination=str(destination), defaults={"format": "webp"} | defaults)


def by_status(runner, batch):
    return Counter(item.status for page in runner.services.records.batch_items.pages(batch.id) for item in page)


def test_files_of_any_name_are_converted_and_found_again(runner, photos, outputs):
    for number, name in enumerate(STRANGE_NAMES):
        picture(os.fsdecode(os.fsencode(photos) + b"/" + name), (number, 0, 0))
    spec = spec_of(photos, outputs)
    first, second = by_status(runner, runner.run(spec)), by_status(runner, runner.run(spec))

    assert first == {"completed": len(STRANGE_NAMES)}
    assert second == {"skipped": len(STRANGE_NAMES)}
    made = {os.fsencode(path.name) for path in outputs.glob("*.webp")}
    assert made == {*(name.replace(b".jpg", b".webp") for name in STRANGE_NAMES[:-1]), b"x" * 250 + b".webp"}


def test_links_hidden_files_and_what_is_no_file_are_told_apart(runner, photos, outputs, tmp_path):
    picture(photos / "a.jpg")
    picture(photos / ".hidden.jpg")
    picture(tmp_path / "secret.jpg")
    (photos / "inside.jpg").symlink_to("a.jpg")
    (photos / "outside.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(photos / "pipe.jpg")
    items = runner.items(runner.run(spec_of(photos, outputs)))

    assert {name: item.status for name, item in items.items()} == {
        "a.jpg": "completed", "inside.jpg": "completed", "outside.jpg": "skipped", "pipe.jpg": "skipped",
    }  # fmt: skip
    assert "link out of the source" in items["outside.jpg"].reason


def test_a_file_that_still_changes_is_left_for_later(runner, photos, outputs):
    picture(photos / "old.jpg")
    os.utime(photos / "old.jpg", (1_600_000_000, 1_600_000_000))
    picture(photos / "new.jpg")
    items = runner.items(runner.run(spec_of(photos, outputs, min_age_seconds=60)))

    assert (items["old.jpg"].status, items["new.jpg"].status) == ("completed", "skipped")
    assert "may still be growing" in items["new.jpg"].reason


def test_a_file_that_is_gone_when_it_is_its_turn_costs_itself_alone(runner, photos, outputs, monkeypatch):
    picture(photos / "a.jpg")
    picture(photos / "gone.jpg", "blue")
    convert = runner.convert

    def convert_without_it(batch):
        (photos / "gone.jpg").unlink()
        convert(batch)

    monkeypatch.setattr(type(runner), "convert", lambda _runner, batch: convert_without_it(batch))
    items = runner.items(runner.run(spec_of(photos, outputs)))

    assert (items["a.jpg"].status, items["gone.jpg"].error.code) == ("completed", "input_unreachable")


def test_a_destination_without_space_fails_its_lines_and_running_again_finishes_them(
    runner, photos, outputs, monkeypatch
):
    picture(photos / "a.jpg")

    def full(*_arguments):
        raise errors.DiskFull("The disk is full; try again later.")

    with monkeypatch.context() as full_disk:
        full_disk.setattr(FolderLocation, "publish", full)
        with pytest.raises(errors.DiskFull):  # the manifest could not be written either
            runner.run(spec_of(photos, outputs))
    batches = runner.services.records.batches
    (broken,) = batches.page(runner.project, ListQuery()).items
    batches.end(broken.id, broken.attempt, "failed")

    assert list(outputs.glob("*.webp")) == []
    assert by_status(runner, runner.run(spec_of(photos, outputs))) == {"completed": 1}


def test_a_manifest_has_a_word_for_each_wrong_line(runner, photos, outputs, tmp_path):
    picture(photos / "a.jpg")
    manifest = tmp_path / "wanted.jsonl"
    manifest.write_text(
        '{"input": "photos/a.jpg"}\n{"input": "photos/a.jpg"}\nno json\n{"input": "photos/nowhere.jpg"}\n'
        '{"input": "photos/a.jpg", "widht": 3}\n{"input": "photos/a.jpg", "width": -3, "output": "b.webp"}\n'
    )
    runner.run(from_manifest(manifest, outputs))
    lines = manifest_lines(outputs / "manifest.jsonl")

    assert [line["status"] for line in lines] == ["completed", *["failed"] * 5]
    assert "{ext}" in lines[1]["error"]
    assert "JSON" in lines[2]["error"]
    assert lines[3]["error"].startswith("input_unreachable")
    assert "did you mean width" in lines[4]["error"]
    assert lines[5]["error"].startswith("field_invalid: width")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"input,widht\na.jpg,3\n", "did you mean width"),
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "manifest"),
        (b"input\n" + b"a.jpg\n" * 501, "more than 500"),
    ],
    ids=["unknown column", "empty", "a picture", "too long"],
)
def test_what_is_no_manifest_ends_the_batch_with_a_word(runner, outputs, tmp_path, monkeypatch, content, sentence):  # noqa: PLR0917
    monkeypatch.setattr(listing, "MAX_LINES", 500)  # 100,000 lines take 20 s
    (tmp_path / "wanted.csv").write_bytes(content)

    with pytest.raises(errors.RequestError, match=sentence):
        runner.run(from_manifest(tmp_path / "wanted.csv", outputs))


def test_a_manifest_of_a_spreadsheet_is_read(runner, photos, outputs, tmp_path):
    picture(photos / "ä.jpg")
    text = "\ufeffinput;width;quality\r\nphotos/ä.jpg;30;0,5\r\n"
    (tmp_path / "wanted.csv").write_bytes(text.encode())
    runner.run(from_manifest(tmp_path / "wanted.csv", outputs))

    with Image.open(outputs / "ä.webp") as made:
        assert made.size == (30, 20)
