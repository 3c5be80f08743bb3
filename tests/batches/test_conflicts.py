"""Two files never become one: names of outputs, conflicts with other files, folders that hold inputs and outputs."""

from collections import Counter

import pytest
from PIL import Image

from penstock.domain import errors
from penstock.domain.batch.spec import BatchSpec

pytestmark = pytest.mark.media


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "a.png", "b.jpg"):
        Image.new("RGB", (60, 40), name.encode()[0]).save(folder / name)
    return folder


@pytest.fixture
def outputs(tmp_path):
    (tmp_path / "outputs").mkdir()
    return tmp_path / "outputs"


def spec_of(source, destination, **changed):
    defaults = changed.pop("defaults", {"format": "webp"})
    return BatchSpec(source=str(source), destination=str(destination), defaults=defaults, **changed)


def converted(runner, spec):
    return runner.items(runner.run(spec))


def test_of_two_lines_with_one_output_the_second_fails_with_a_word(runner, photos, outputs):
    items = converted(runner, spec_of(photos, outputs))

    assert {name: item.status for name, item in items.items()} == {
        "a.jpg": "completed", "a.png": "failed", "b.jpg": "completed",
    }  # fmt: skip
    assert "{ext}" in items["a.png"].error.message


def test_with_rename_both_are_written_and_found_again(runner, photos, outputs):
    spec = spec_of(photos, outputs, on_conflict="rename")
    first, second = converted(runner, spec), converted(runner, spec)

    assert {path.name for path in outputs.glob("*.webp")} == {"a.webp", "a (2).webp", "b.webp"}
    assert Counter(item.status for item in first.values()) == {"completed": 3}
    assert Counter(item.status for item in second.values()) == {"skipped": 3}


def test_a_template_tells_them_apart(runner, photos, outputs):
    converted(runner, spec_of(photos, outputs, output_name="{stem}-{ext}.{format}"))

    assert {path.name for path in outputs.glob("*.webp")} == {"a-jpg.webp", "a-png.webp", "b-jpg.webp"}


@pytest.mark.parametrize(("rule", "status"), [("skip", "skipped"), ("overwrite", "completed"), ("rename", "completed")])
def test_a_file_of_somebody_else_is_kept_unless_the_rule_says_otherwise(runner, photos, outputs, rule, status):
    (outputs / "b.webp").write_bytes(b"mine")
    items = converted(runner, spec_of(photos, outputs, on_conflict=rule))

    assert items["b.jpg"].status == status
    assert ((outputs / "b.webp").read_bytes() == b"mine") == (rule != "overwrite")
    assert (outputs / "b (2).webp").exists() == (rule == "rename")


def test_in_one_folder_outputs_are_no_inputs_of_the_next_run(runner, photos):
    spec = spec_of(photos, photos, output_name="{stem}-{ext}.small.jpg", defaults={"format": "jpeg", "width": 30})
    converted(runner, spec)
    again = converted(runner, spec)

    assert Counter(item.status for item in again.values()) == {"skipped": 6}
    assert len(list(photos.glob("*.jpg"))) == 5


def test_an_output_is_never_written_onto_its_input(runner, photos):
    before = (photos / "b.jpg").read_bytes()
    items = converted(runner, spec_of(photos, photos, output_name="{name}", glob="b.jpg", defaults={"format": "jpeg"}))

    assert items["b.jpg"].error.code == "field_invalid"
    assert (photos / "b.jpg").read_bytes() == before


def test_a_destination_inside_its_source_is_no_input(runner, photos):
    spec = spec_of(photos, photos / "small", on_conflict="rename")
    converted(runner, spec)

    assert len(converted(runner, spec)) == 3


def test_an_empty_source_fails_the_batch_with_a_word(runner, tmp_path, outputs):
    (tmp_path / "empty").mkdir()
    with pytest.raises(errors.InputUnreachable, match="no files"):
        runner.run(spec_of(tmp_path / "empty", outputs))


def test_a_source_that_does_not_exist_fails_the_batch_with_a_word(runner, tmp_path, outputs):
    with pytest.raises(errors.InputUnreachable, match="no such"):
        runner.run(spec_of(tmp_path / "nowhere", outputs))


def test_a_wrong_template_fails_the_batch_before_anything_is_converted(runner, photos, outputs):
    with pytest.raises(errors.FieldInvalid, match=r"did you mean \{stem\}"):
        runner.run(spec_of(photos, outputs, output_name="{stam}.{format}"))


def test_what_is_no_media_by_its_name_is_skipped_with_a_word(runner, photos, outputs):
    (photos / "notes.txt").write_text("buy milk")
    (photos / "film.mov").write_bytes(b"no matter")
    items = converted(runner, spec_of(photos, outputs, on_conflict="rename"))

    assert items["notes.txt"].reason == "not media by its name"
    assert items["film.mov"].reason.startswith("a video by its name")
