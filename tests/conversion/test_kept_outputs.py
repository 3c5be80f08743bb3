"""A verified output whose attempt died is published by the next one, and nothing is encoded again."""

import os
import time
from dataclasses import replace

import pytest

from penstock.conversion.convert import convert_original
from penstock.conversion.kept_outputs import KeptOutputs
from penstock.domain.reuse import KeptOutput
from penstock.domain.stages import Original
from penstock.engines import probe
from penstock.storage.local_files import sha256_of
from tests.conversion.workspaces import task_for, workspace_in

pytestmark = pytest.mark.media


@pytest.fixture
def workspace(tools, tmp_path):
    return workspace_in(tmp_path, tools)


@pytest.fixture
def kept(tmp_path):
    return KeptOutputs(tmp_path / "verified")


@pytest.fixture
def made(media, workspace, kept):
    """A conversion whose output was kept, and then its scratch folder removed."""
    path = media("clip.mp4")
    task = task_for("video", "mp4", width=32)
    original = Original(task, path, probe(path, workspace.services.tools), sha256=sha256_of(path))
    rendition = convert_original(original, workspace)
    kept.keep(rendition)
    rendition.path.unlink()
    return original, rendition


def test_it_is_found_with_all_that_was_verified(made, kept, tmp_path):
    _, rendition = made
    found = kept.find(rendition.task.id, rendition.conversion, tmp_path / "again")
    assert found == KeptOutput(tmp_path / "again", rendition.facts, rendition.media, rendition.receipt)
    assert sha256_of(found.path) == rendition.facts.sha256


def test_the_next_attempt_encodes_nothing(made, kept, workspace, tmp_path, monkeypatch):
    original, rendition = made
    monkeypatch.setattr("penstock.engines.encode", None)
    find = lambda digest: kept.find(original.task.id, digest, tmp_path / "again")  # noqa: E731
    again = convert_original(original, workspace, find_earlier=find)
    assert replace(again, path=rendition.path) == rendition
    assert probe(again.path, workspace.services.tools).video.codec == "h264"


@pytest.mark.parametrize("change", ["other conversion", "other task", "damaged", "half written", "discarded"])
def test_what_is_not_the_same_is_encoded_again(made, kept, tmp_path, change):
    task, conversion = made[1].task.id, made[1].conversion
    place = kept.folder / task
    if change == "damaged":
        (place / "output").write_bytes(b"x" * (place / "output").stat().st_size)
    if change == "half written":
        (place / "description.json").write_bytes((place / "description.json").read_bytes()[:-9])
    if change == "discarded":
        kept.discard(task)
    wanted = ("tsk_another" if change == "other task" else task, "ab" if change == "other conversion" else conversion)
    assert kept.find(*wanted, tmp_path / "again") is None


def test_after_a_day_it_is_removed_also_where_it_was_never_whole(made, kept):
    (kept.folder / ".half").mkdir()
    assert kept.remove_old() == 0
    for place in kept.folder.iterdir():
        os.utime(place, (0, time.time() - 25 * 3600))
    assert kept.remove_old() == 2
    assert list(kept.folder.iterdir()) == []


def test_a_full_disk_only_means_that_it_is_not_kept(made, tmp_path):
    (tmp_path / "no folder").write_bytes(b"")
    KeptOutputs(tmp_path / "no folder").keep(made[1])
