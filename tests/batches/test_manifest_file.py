"""The result manifest grows while a batch runs; what keeps it from growing does not end the batch."""

from dataclasses import replace

import pytest

from penstock.batches.manifest_file import ManifestFile
from penstock.conversion.line_files import LineFiles
from penstock.domain import errors
from penstock.domain.batch.batch import BatchItem, BatchOrder
from penstock.domain.batch.spec import BatchSpec
from tests.batches.runner import manifest_lines

DONE = BatchItem(number=1, input="file:///photos/1.jpg", status="completed")


@pytest.fixture
def manifest(runner, tmp_path):
    spec = BatchSpec(source="/photos", destination=str(tmp_path / "out"), defaults={"format": "webp"})
    batch = runner.services.records.batches.submit(runner.project, BatchOrder(spec, trusted=True))
    return ManifestFile(LineFiles(batch, runner.services))


def test_it_grows(manifest, tmp_path):
    manifest.begin()
    manifest.append([DONE])
    manifest.append([replace(DONE, number=2)])

    assert [line["status"] for line in manifest_lines(tmp_path / "out/manifest.jsonl")] == ["completed"] * 2


def test_a_batch_goes_on_where_it_cannot_grow(manifest, tmp_path):
    manifest.begin()
    (tmp_path / "out/manifest.jsonl").unlink()
    (tmp_path / "out/manifest.jsonl").mkdir()

    manifest.append([DONE])


def test_a_place_that_cannot_be_written_is_told_before_anything_is_converted(manifest, tmp_path):
    (tmp_path / "out").write_text("a file")

    with pytest.raises(errors.StorageUnavailable):
        manifest.begin()


def test_a_manifest_that_is_given_back_stays_whole_until_the_end(runner, tmp_path):
    given = tmp_path / "manifest.jsonl"
    given.write_text('{"input": "a.jpg"}\n')
    spec = BatchSpec(manifest=str(given), destination=str(tmp_path), defaults={"format": "webp"})
    batch = runner.services.records.batches.submit(runner.project, BatchOrder(spec, trusted=True))
    manifest = ManifestFile(LineFiles(batch, runner.services))
    manifest.begin()
    manifest.append([DONE])

    assert given.read_text() == '{"input": "a.jpg"}\n'
