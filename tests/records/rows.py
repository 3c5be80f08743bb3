"""Requests, files and tasks for the tests of the records and the orchestration."""

from dataclasses import replace
from datetime import UTC, datetime

from penstock.domain.ids import ProjectId, new_file_id
from penstock.domain.planning.cost import Estimate
from penstock.domain.receipt import Checks, InputFacts, Receipt, Work
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


def receipt_of(file: File) -> Receipt:
    work = Work({"video": "copy"}, ["ffmpeg"], {"ffmpeg": "9.0.2"}, wall_seconds=3.0, cpu_seconds=5.0)
    return Receipt(InputFacts(9), file.facts, Checks((), 1.0, None), work, "mp4", Estimate(3, 1.5))


def begin_task(records: Records, project: ProjectId) -> Task:
    """A new task that the owner `owner` has begun."""
    task = records.tasks.submit(project, video_request(f"https://example.com/{new_file_id()}"))
    return records.tasks.begin(task.id, task.attempt, "owner", "run")


def complete_conversion(records: Records, task: Task, digest: str, file: File | None = None) -> File:
    """Complete a begun task; its output has the digest."""
    output = replace(file or output_of(task), conversion=digest)
    done = records.tasks.complete(task.id, task.attempt, "owner", output, receipt_of(output)).output
    assert done is not None
    return done


def complete_task(records: Records, task: Task) -> Task:
    """The task, run to its end."""
    records.tasks.begin(task.id, task.attempt, "owner", "run")
    return records.tasks.complete(task.id, task.attempt, "owner", output_of(task))
