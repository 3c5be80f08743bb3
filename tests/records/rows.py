"""Requests, files and tasks for the tests of the records and the orchestration."""

from dataclasses import replace
from datetime import UTC, datetime

from penstock.domain.ids import new_file_id
from penstock.domain.request import SourceRequest
from penstock.domain.task import File, FileFacts, Task
from penstock.records import Records

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
FACTS = FileFacts(
    "video", "mp4", "video/mp4", filesize=9, sha256="ab", codecs="h264,aac", width=64, height=48, fps=25.0
)


def video_request(url: str = "https://example.com/a.mp4", **more: object) -> SourceRequest:
    return SourceRequest.model_validate({"url": url, "kind": "video", "format": "mp4"} | more)


def request_for_file(file: File) -> SourceRequest:
    return SourceRequest(file_id=file.id, kind="video", format="webm")


def output_of(task: Task) -> File:
    file_id = new_file_id()
    facts = replace(FACTS, sha256=file_id)
    return File(file_id, task.project_id, "source", facts, f"files/{file_id}", task.id, NEVER, NEVER)


def complete_task(records: Records, task: Task) -> Task:
    """The task, run to its end."""
    records.tasks.begin(task.id, task.attempt, "owner", "run")
    return records.tasks.complete(task.id, task.attempt, "owner", output_of(task))
