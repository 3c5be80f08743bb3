"""Batches for the tests of the API: what its callers send, and what a run would make of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.batches.listing import list_lines
from penstock.batches.planning import plan_lines
from penstock.conversion.line_files import LineFiles
from penstock.domain.batch.batch import BatchItem, BatchOrder
from penstock.domain.batch.spec import BatchSpec
from penstock.domain.ids import FileId, new_file_id
from penstock.domain.task import File, FileFacts
from penstock.services import Services
from tests.api.app import NEVER, Project

PICTURE = {"url": "https://example.com/a.png", "format": "webp"}


def json_lines(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def store_manifest(parts: Services, project: Project, content: bytes) -> FileId:
    """An uploaded manifest with these bytes."""
    file_id, digest = new_file_id(), hashlib.sha256(content).hexdigest()
    facts = FileFacts("manifest", "jsonl", "application/jsonl", len(content), digest)
    file = File(file_id, project.id, "file", facts, f"{project.id}/{file_id}", None, NEVER, NEVER)
    path = Path(parts.settings.root) / file_id
    path.write_bytes(content)
    parts.objects.put(path, file.key, facts.type)
    return parts.records.files.add(file).id


def order_of(lines: Sequence[Mapping[str, Any]], **defaults: Any) -> BatchOrder:
    """A batch of lines that came with a request."""
    items = [
        BatchItem(number, str(line.get("url") or line.get("file_id")), fields=dict(line))
        for number, line in enumerate(lines, 1)
    ]
    digest = hashlib.sha256(json_lines(lines)).hexdigest()
    return BatchOrder(BatchSpec(lines_digest=digest, defaults=defaults), lines=items)


def planned_items(parts: Services, project: Project, order: BatchOrder) -> list[BatchItem]:
    """The items as a run of the batch lists and plans them, and then ends."""
    files = LineFiles(parts.records.batches.submit(project.id, order), parts)
    list_lines(files, lambda: False)
    plan_lines(files, lambda: False)
    assert parts.records.batches.end(files.batch.id, files.batch.attempt, "completed")
    return [item for page in parts.records.batch_items.pages(files.batch.id) for item in page]
