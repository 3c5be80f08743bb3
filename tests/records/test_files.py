"""Files: kept with their facts, hidden when deleted."""

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


def test_an_upload_is_kept_with_the_clock_of_the_database(records: Records, project: ProjectId, upload: File):
    assert records.files.get(project, upload.id) == upload
    assert upload.created == upload.updated


def test_med_is_another_word_for_file(records: Records, project: ProjectId, upload: File):
    assert records.files.get(project, upload.id.replace("file_", "med_")) == upload


def test_the_probe_of_a_file_survives_its_way_through_the_database(records: Records, upload: File):
    assert records.files.add(replace(upload, id=new_file_id(), media=MEDIA)).media == MEDIA


def test_anothers_file_is_no_file(records: Records, upload: File):
    with pytest.raises(errors.FileNotFound) as foreign:
        records.files.get(records.keys.new_project("snoop"), upload.id)
    with pytest.raises(errors.FileNotFound) as unknown:
        records.files.get(upload.project_id, new_file_id())

    assert str(foreign.value) == str(unknown.value)


def test_a_deleted_file_is_gone(records: Records, project: ProjectId, upload: File):
    assert records.files.delete(project, upload.id) == upload

    for asking in (records.files.get, records.files.delete):
        with pytest.raises(errors.FileNotFound):
            asking(project, upload.id)
    with pytest.raises(errors.FileNotFound):
        records.files.get_for_link(upload.id)


def test_a_file_that_a_task_reads_is_kept(records: Records, project: ProjectId, upload: File):
    task = records.tasks.submit(project, request_for_file(upload))

    with pytest.raises(errors.FileInUse):
        records.files.delete(project, upload.id)
    records.tasks.cancel(project, task.id)
    assert records.files.delete(project, upload.id) == upload


def test_a_deleted_file_is_no_input(records: Records, project: ProjectId, upload: File):
    records.files.delete(project, upload.id)

    with pytest.raises(errors.FileNotFound):
        records.tasks.submit(project, request_for_file(upload))


def test_a_task_whose_output_was_deleted_shows_none(records: Records, project: ProjectId):
    done = complete_task(records, records.tasks.submit(project, video_request()))
    records.files.delete(project, done.output.id)

    assert records.tasks.get(project, done.id).output is None
    assert records.tasks.get(project, done.id).status == "completed"


def test_the_bytes_of_a_deleted_file_are_remembered_until_purged(records: Records, project: ProjectId, upload: File):
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
