"""Files are stored with their facts, and hidden when deleted."""

from dataclasses import replace
from fractions import Fraction

import pytest

from penstock.domain import errors
from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.media import AudioStream, ImageFacts, Media, Size, VideoStream
from penstock.domain.task import File
from penstock.records import Records
from tests.records.rows import complete_task, request_for_file, video_request

SIZE = Size(64, 48)
MEDIA = Media(
    "video", "mp4", 9, 1.5, video=VideoStream(0, "h264", SIZE, SIZE, "yuv420p", sar=Fraction(4, 3), fps=25.0),
    audio=AudioStream(1, "aac", 2, 48_000), image=ImageFacts(SIZE, "RGB"), tags={"title": "Ä"},
)  # fmt: skip


def test_an_upload_has_the_times_of_the_database(records: Records, project: ProjectId, upload: File):
    assert records.files.get(project, upload.id) == upload
    assert upload.created == upload.updated


def test_med_and_file_are_the_same_id(records: Records, project: ProjectId, upload: File):
    assert records.files.get(project, upload.id.replace("file_", "med_")) == upload


def test_the_facts_of_a_file_are_stored_unchanged(records: Records, upload: File):
    assert records.files.add(replace(upload, id=new_file_id(), media=MEDIA)).media == MEDIA


def test_the_file_of_another_project_is_not_found(records: Records, upload: File):
    with pytest.raises(errors.FileNotFound) as foreign:
        records.files.get(records.keys.new_project("snoop"), upload.id)
    with pytest.raises(errors.FileNotFound) as unknown:
        records.files.get(upload.project_id, new_file_id())

    assert str(foreign.value) == str(unknown.value)


def test_a_deleted_file_is_not_found(records: Records, project: ProjectId, upload: File):
    assert records.files.delete(project, upload.id) == upload

    for asking in (records.files.get, records.files.delete):
        with pytest.raises(errors.FileNotFound):
            asking(project, upload.id)
    with pytest.raises(errors.FileNotFound):
        records.files.get_for_link(upload.id)


def test_a_file_in_use_cannot_be_deleted(records: Records, project: ProjectId, upload: File):
    task = records.tasks.submit(project, request_for_file(upload))

    with pytest.raises(errors.FileInUse):
        records.files.delete(project, upload.id)
    records.tasks.cancel(project, task.id)
    assert records.files.delete(project, upload.id) == upload


def test_a_deleted_file_cannot_be_an_input(records: Records, project: ProjectId, upload: File):
    records.files.delete(project, upload.id)

    with pytest.raises(errors.FileNotFound):
        records.tasks.submit(project, request_for_file(upload))


def test_a_task_whose_output_was_deleted_shows_none(records: Records, project: ProjectId):
    done = complete_task(records, records.tasks.submit(project, video_request()))
    records.files.delete(project, done.output.id)

    assert records.tasks.get(project, done.id).output is None
    assert records.tasks.get(project, done.id).status == "completed"


def test_deleted_files_are_listed_until_purged(records: Records, project: ProjectId, upload: File):
    records.files.delete(project, upload.id)
    assert upload.id in [file.id for file in records.files.list_unpurged(1000)]

    records.files.mark_purged(upload.id)
    assert upload.id not in [file.id for file in records.files.list_unpurged(1000)]


def test_old_files_can_be_found(records: Records, upload: File):
    assert upload.id in [file.id for file in records.files.list_older(0, 100_000)]
    assert upload.id not in [file.id for file in records.files.list_older(1, 100_000)]


def test_a_link_is_signed_with_the_projects_secret(records: Records, upload: File):
    linked = records.files.get_for_link(upload.id)

    assert linked.file == upload
    assert linked.secrets == (records.keys.project_secret(upload.project_id),)
    assert linked.secrets[0] not in repr(linked)
