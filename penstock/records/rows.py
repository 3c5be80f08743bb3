"""Conversion of database rows to domain values and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, Select, select

from penstock.domain.batch.lines import request_fields, stored_request
from penstock.domain.ids import BatchId, ChunkId, FileId, ProjectId, TaskId
from penstock.domain.media import Media
from penstock.domain.request import SourceRequest
from penstock.domain.task import File, FileFacts, InputVersion, Task, TaskError
from penstock.records.tables import FILES, TASKS

Row = RowMapping | Mapping[str, Any]
_MEDIA = TypeAdapter(Media)
_FACTS = (
    "kind", "format", "type", "filesize", "sha256", "codecs",
    "width", "height", "duration", "fps", "frames", "bitrate",
)  # fmt: skip
_OUTPUT = "output_"


def _tasks_with_output() -> Select[Any]:
    outputs = FILES.alias("outputs")
    shown = TASKS.outerjoin(outputs, (outputs.c.id == TASKS.c.output_id) & outputs.c.deleted.is_(None))
    columns = [column.label(_OUTPUT + column.name) for column in outputs.c]
    kept = [column for column in TASKS.c if column.name != "output_id"]
    return select(*kept, *columns).select_from(shown)


# Tasks joined with their outputs that are not deleted. Built once: building costs more than executing it.
SHOWN_TASKS = _tasks_with_output()


def output_columns(row: RowMapping | None) -> dict[str, Any]:
    """A file's row, or none, as the columns that `SHOWN_TASKS` adds to a task's."""
    return {_OUTPUT + column.name: row[column.name] if row else None for column in FILES.c}


def task_of(shown: Row) -> Task:
    row = cast("dict[str, Any]", shown)
    return Task(
        id=TaskId(row["id"]),
        project_id=ProjectId(row["project_id"]),
        request=stored_request(row["request"], row["batch"]),
        status=row["status"],
        state=row["state"],
        progress=row["progress"],
        attempt=row["attempt"],
        created=row["created"],
        updated=row["updated"],
        error=TaskError(**row["error"]) if row["error"] else None,
        output=file_of(row, _OUTPUT) if row["output_id"] else None,
        plan=row["plan"],
        run_id=row["run_id"],
        batch=BatchId(row["batch"]) if row["batch"] else None,
        input_version=InputVersion(**row["input_version"]) if row["input_version"] else None,
        chunk_id=ChunkId(row["chunk_id"]) if row["chunk_id"] else None,
        file_name=row["file_name"],
    )


def file_of(row: Row, prefix: str = "") -> File:
    columns = cast("dict[str, Any]", row)
    media = columns[prefix + "media"]
    task_id = columns[prefix + "task_id"]
    return File(
        id=FileId(columns[prefix + "id"]),
        project_id=ProjectId(columns[prefix + "project_id"]),
        object=columns[prefix + "object"],
        facts=FileFacts(**{name: columns[prefix + name] for name in _FACTS}),
        key=columns[prefix + "key"],
        task_id=TaskId(task_id) if task_id else None,
        created=columns[prefix + "created"],
        updated=columns[prefix + "updated"],
        media=_MEDIA.validate_python(media) if media else None,
        location=columns[prefix + "location"],
        conversion=columns[prefix + "conversion"],
        location_version=columns[prefix + "location_version"],
        name=columns[prefix + "name"],
        status=columns[prefix + "status"],
        error=TaskError(**columns[prefix + "error"]) if columns[prefix + "error"] else None,
        metadata=columns[prefix + "metadata"],
    )


def request_row(request: SourceRequest) -> dict[str, Any]:
    """The columns of a task's row that come from its request."""
    return {
        "request": request_fields(request),
        "file_id": request.file_id,
        "kind": request.kind,
        "format": request.format,
    }


def file_row(file: File) -> dict[str, Any]:
    """A file's row without its times, which are the database's."""
    return {
        "id": file.id,
        "project_id": file.project_id,
        "object": file.object,
        "key": file.key,
        "task_id": file.task_id,
        "location": file.location,
        "location_version": file.location_version,
        "media": _MEDIA.dump_python(file.media, mode="json", by_alias=True) if file.media else None,
        "conversion": file.conversion,
        "name": file.name,
        "status": file.status,
        "metadata": file.metadata,
        **asdict(file.facts),
    }
