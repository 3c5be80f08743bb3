"""What is known of the lines of a page: their tasks from the records, and the files at their outputs' addresses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock.conversion.line_files import LineFiles
from penstock.domain.batch.batch import KnownTask
from penstock.domain.batch.entries import Entry
from penstock.domain.request import SourceRequest

StatOf = Callable[[str], Entry | None]


@dataclass(frozen=True, slots=True)
class ExistingOutput:
    """A file at the address of an output. `is_ours`: it is what the last conversion of this line wrote there."""

    is_ours: bool


def known_tasks(requests: Sequence[SourceRequest], files: LineFiles) -> dict[str, KnownTask]:
    """The tasks of these requests, by fingerprint."""
    fingerprints = [request.fingerprint() for request in requests]
    return files.services.records.batch_items.known_tasks(files.batch.project_id, fingerprints)


def existing_output(task: KnownTask | None, found: Entry | None) -> ExistingOutput | None:
    """What lies at the output's address; None: nothing."""
    if found is None:
        return None
    is_published = task is not None and (found.size, found.version) == (task.output_bytes, task.output_version)
    is_noted = task is not None and task.noted_bytes == found.size
    return ExistingOutput(is_published or is_noted)
