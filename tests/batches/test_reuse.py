"""Equal inputs of a batch are encoded once; a destination gets copies of the bytes, our storage links."""

import shutil
from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from penstock import engines
from penstock.batches import chunk_work
from penstock.domain.batch.spec import BatchSpec

pytestmark = pytest.mark.media

THUMBNAILS = {"format": "webp", "width": 40}
NAMES = ("a.png", "b.png", "c.png")


@pytest.fixture
def copies(tmp_path, media):
    """A folder with three equal pictures."""
    folder = tmp_path / "copies"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(media("still.png"), folder / name)
    return folder


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


@pytest.fixture
def encoded(monkeypatch):
    """The inputs that were encoded, by their sha256 or path."""
    seen, make_each_image, encode = [], engines.make_each_image, engines.encode

    def watched_each(conversions, *given):
        seen.extend(conversion.source.path.name for conversion in conversions)
        return make_each_image(conversions, *given)

    def watched(plan, source, *given):
        seen.append(source.path.name)
        return encode(plan, source, *given)

    monkeypatch.setattr(engines, "make_each_image", watched_each)
    monkeypatch.setattr(engines, "encode", watched)
    return seen


def spec_of(source, destination=None, **defaults):
    where = {"destination": str(destination)} if destination else {}
    return BatchSpec(source=str(source), defaults=THUMBNAILS | defaults, **where)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.webp")}


def test_three_equal_pictures_are_encoded_once_for_a_destination(runner, copies, outputs, encoded):
    batch = runner.run(spec_of(copies, outputs))
    items = runner.items(batch)

    assert len(encoded) == 1
    assert {item.status for item in items.values()} == {"completed"}
    assert contents(outputs).keys() == {"a.webp", "b.webp", "c.webp"}
    assert len(set(contents(outputs).values())) == 1
    assert [path.stat().st_nlink for path in outputs.glob("*.webp")] == [1, 1, 1]
    reused = [item for item in items.values() if item.reason.startswith("image: reuse file_")]
    assert len(reused) == 2
    assert {item.result["bytes_out"] for item in items.values()} == {(outputs / "a.webp").stat().st_size}


def test_three_equal_pictures_are_encoded_once_for_our_storage(runner, copies, encoded):
    batch = runner.run(spec_of(copies))
    tasks = [runner.services.records.tasks.get_by_id(item.task_id) for item in runner.items(batch).values()]

    assert len(encoded) == 1
    assert len({task.output.id for task in tasks}) == 3
    assert len({task.output.key for task in tasks}) == 1
    assert all(runner.services.objects.exists(task.output.key) for task in tasks)


@pytest.mark.parametrize("stored", [True, False], ids=["in our storage", "at a destination"])
def test_many_equal_pictures_are_encoded_once_by_several_threads(runner, copies, outputs, encoded, stored):
    for number in range(60):
        shutil.copy(copies / "a.png", copies / f"{number}.png")
    several = replace(runner, threads=4)
    batch = several.run(spec_of(copies, None if stored else outputs))

    assert len(encoded) == 1
    assert {item.status for item in runner.items(batch).values()} == {"completed"}


def test_equal_pictures_of_two_chunks_are_encoded_once(runner, copies, outputs, encoded, monkeypatch):
    monkeypatch.setattr("penstock.domain.batch.workload.MAX_GROUP_LINES", 1)
    batch = runner.run(spec_of(copies, outputs))

    assert len(encoded) == 1
    assert {item.status for item in runner.items(batch).values()} == {"completed"}


def test_without_reuse_each_is_encoded(runner, new_services, copies, outputs, encoded):
    with new_services(reuse="off") as services:
        replace(runner, services=services).run(spec_of(copies, outputs))

    assert len(encoded) == 3


def test_pictures_that_are_not_equal_are_all_encoded(runner, copies, outputs, encoded):
    Image.new("RGB", (90, 80), "blue").save(copies / "d.png")
    runner.run(spec_of(copies, outputs))

    assert len(encoded) == 2
    assert len(set(contents(outputs).values())) == 2


def test_a_deleted_output_is_made_again_by_a_copy_of_an_equal_one(runner, copies, outputs, encoded):
    runner.run(spec_of(copies, outputs))
    before = contents(outputs)
    (outputs / "b.webp").unlink()
    batch = runner.run(spec_of(copies, outputs))

    assert (len(encoded), contents(outputs)) == (1, before)
    assert Counter(item.status for item in runner.items(batch).values()) == {"skipped": 2, "completed": 1}


def test_outputs_that_others_changed_are_not_copied(runner, copies, outputs, encoded):
    runner.run(spec_of(copies, outputs))
    before = contents(outputs)
    (outputs / "a.webp").write_bytes(b"changed")
    (outputs / "b.webp").unlink()
    (outputs / "c.webp").unlink()
    batch = runner.run(spec_of(copies, outputs))

    assert len(encoded) == 2
    assert contents(outputs) == before | {"a.webp": b"changed"}
    assert runner.items(batch)["a.png"].reason == "another file has the name of the output"


def test_an_output_of_our_storage_is_copied_to_a_destination(runner, copies, outputs, encoded):
    runner.run(spec_of(copies))
    runner.run(spec_of(copies, outputs))

    assert len(encoded) == 1
    assert len(contents(outputs)) == 3


def test_an_output_whose_bytes_were_lost_is_encoded_again(runner, copies, encoded, tmp_path):
    first = runner.run(spec_of(copies))
    task = runner.services.records.tasks.get_by_id(runner.items(first)["a.png"].task_id)
    runner.services.objects.delete(task.output.key)
    again = tmp_path / "again"
    shutil.copytree(copies, again)
    batch = runner.run(spec_of(again))

    assert len(encoded) == 2
    assert {item.status for item in runner.items(batch).values()} == {"completed"}


def test_bytes_that_are_deleted_before_a_reuse_is_recorded_are_made_again(
    runner, copies, encoded, tmp_path, monkeypatch
):
    """All files with these bytes are deleted between the lookup and the record."""
    first = runner.run(spec_of(copies))
    files = [runner.services.records.tasks.get_by_id(item.task_id).output for item in runner.items(first).values()]
    again, published = tmp_path / "again", chunk_work._published
    shutil.copytree(copies, again)

    def deleting(*given):
        while files:
            runner.services.records.files.delete(runner.project, files.pop().id)
        return published(*given)

    monkeypatch.setattr(chunk_work, "_published", deleting)
    batch = runner.run(spec_of(again))

    assert {item.status for item in runner.items(batch).values()} == {"completed"}
    assert len(encoded) == 2


def test_equal_films_are_encoded_once(runner, tmp_path, media, outputs, encoded):
    films = tmp_path / "films"
    films.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(media("clip.mp4"), films / name)
    batch = runner.run(spec_of(films, outputs, format="webm", width=64))

    assert len(encoded) == 1
    assert {item.status for item in runner.items(batch).values()} == {"completed"}


def test_the_output_of_a_failed_encode_is_not_waited_for(runner, tmp_path, outputs):
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    batch = runner.run(spec_of(folder, outputs))

    assert {item.status for item in runner.items(batch).values()} == {"failed"}
