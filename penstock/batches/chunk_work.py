"""Converts the lines of one chunk in groups: fetch, convert, publish, and complete their tasks.

Several threads convert groups at once. A group needs a few statements of the records, not a few for each line."""

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from penstock import engines
from penstock.batches.lines_in_work import LineOutcome, LinesInWork
from penstock.batches.published_before import PublishedOutputs
from penstock.conversion.convert import Reserve, input_sha256
from penstock.conversion.convert_group import GroupInput, GroupOptions, GroupResult, NeedsOwnRun, convert_group
from penstock.conversion.earlier_bytes import EarlierBytes
from penstock.conversion.equal_conversions import EqualConversions
from penstock.conversion.inputs import fetch_bytes
from penstock.conversion.line_files import LineFiles
from penstock.conversion.outputs import OutputStore, output_file
from penstock.conversion.rendition import Workspace
from penstock.conversion.reuse import FindEachEarlier, nothing_earlier_of_each
from penstock.domain import errors
from penstock.domain.batch.batch import Chunk, ConvertedLine
from penstock.domain.batch.workload import is_in_sample
from penstock.domain.ids import TaskId, new_file_id
from penstock.domain.reuse import MadeByAnother
from penstock.domain.stages import Accepted, Rendition, Reuse
from penstock.domain.task import InputVersion, Task
from penstock.host.scratch import scratch_folder
from penstock.records.batches.chunk_records import ChunkLease
from penstock.services import Services

Result = TypeVar("Result")
Made = Rendition | Reuse

# A line of the log for each step of each file would be most of the log.
_LINE_LOG = logging.getLogger(f"{__name__}.lines")
_LINE_LOG.setLevel(logging.WARNING)

GROUP_LINES = 16
# A line that takes longer, by its estimate, gets a run of its own.
MAX_LINE_SECONDS = 30.0
RETRY_SECONDS = 2.0
DATABASE_TRIES = 30
# Waits of a thread whose lines are all being made by others, one after another.
BUSY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class ChunkContext:
    """What the threads of one chunk share.

    The watch ends them at once, `takes_no_more` after their present group. `is_live`: the task is still to be
    converted. `wait` waits so many seconds, and returns whether the run should stop."""

    services: Services
    chunk: Chunk
    lease: ChunkLease
    files: LineFiles
    scratch: Path
    watch: engines.Watch
    reserve: Reserve
    is_live: Callable[[TaskId], bool]
    takes_no_more: Callable[[], bool]
    wait: Callable[[float], bool]

    def recorded(self, statement: Callable[[], Result]) -> Result:
        """What the statement returns; it is repeated while the database is unavailable. Raises that, at last."""
        for _ in range(DATABASE_TRIES):
            try:
                return statement()
            except errors.DatabaseUnavailable:
                if self.wait(RETRY_SECONDS):
                    break
        return statement()


@dataclass(frozen=True, slots=True)
class FetchedLine:
    """A line whose input is on the local disk. `sha256` is that of its bytes, where it is known."""

    task: Task
    path: Path
    version: InputVersion | None
    sha256: str | None


def convert_lines(lines: LinesInWork, context: ChunkContext) -> None:
    """Convert groups until none is left. Raises `Cancelled`, `Superseded`, and the error of a database that stays
    away."""
    waits = 0
    while not context.takes_no_more() and (group := lines.take(GROUP_LINES)):
        with scratch_folder(context.scratch, "group") as folder:
            outcomes = convert_together(group, folder, context)
        settled = lines.settle(outcomes)
        _record_ends(settled, context)
        waits = waits + 1 if all(one.outcome == "busy" for one in outcomes) else 0
        if waits:
            context.wait(BUSY_SECONDS[min(waits, len(BUSY_SECONDS)) - 1])
        elif any(one.error is not None and one not in settled for one in outcomes):
            context.wait(RETRY_SECONDS)


def _record_ends(settled: Sequence[LineOutcome], context: ChunkContext) -> None:
    chunks, lease = context.services.records.chunks, context.lease
    failures = [(one.task.id, failure) for one in settled if (failure := one.failure)]
    released = [one.task.id for one in settled if one.outcome == "released"]
    if failures:
        context.recorded(lambda: chunks.fail(lease, failures))
    if released:
        context.recorded(lambda: chunks.release(lease, released))


def convert_together(group: Sequence[Task], folder: Path, context: ChunkContext) -> list[LineOutcome]:
    """The outcome of each line. Completed ones are recorded, the others are not."""
    fetched = [_fetched(task, folder, context) for task in group]
    failed = [one for one in fetched if isinstance(one, LineOutcome)]
    readable = [one for one in fetched if isinstance(one, FetchedLine)]
    published = _published_before(readable, folder, context)
    done_before = {line.task.id for line in published}
    results = list(_results([one for one in readable if one.task.id not in done_before], folder, context))
    made = [(one, result.result) for one, result in results if isinstance(result.result, Rendition | Reuse)]
    stored = _published(made, context)
    lines = [*published, *(one for one in stored if isinstance(one, ConvertedLine))]
    unpublished = [one for one in stored if isinstance(one, LineOutcome)]
    return [*failed, *_not_converted(results), *unpublished, *_completed(lines, context)]


def _fetched(task: Task, folder: Path, context: ChunkContext) -> FetchedLine | LineOutcome:
    path = folder / f"in-{secrets.token_hex(6)}"
    if not context.is_live(task.id):
        return LineOutcome(task, "cancelled", errors.Cancelled("The task was cancelled."), "fetch")
    try:
        return _fetch(task, path, context)
    except errors.Cancelled:
        raise
    except errors.MediaError as error:
        return LineOutcome(task, "failed", error, "fetch")


def _fetch(task: Task, path: Path, context: ChunkContext) -> FetchedLine:
    services, file_id = context.services, task.request.file_id
    accepted = Accepted(task, services.records.files.get(task.project_id, file_id) if file_id else None)
    version = fetch_bytes(accepted, path, services, context.watch, context.files)
    return FetchedLine(task, path, version, input_sha256(accepted, version))


def _published_before(fetched: Sequence[FetchedLine], folder: Path, context: ChunkContext) -> list[ConvertedLine]:
    outputs, noted = (
        PublishedOutputs(context.services, context.files, folder, context.watch.stopped),
        context.chunk.noted,
    )
    found = (outputs.find(noted[one.task.id], one.version) for one in fetched if one.task.id in noted)
    return [line for line in found if line is not None]


def _results(
    fetched: Sequence[FetchedLine], folder: Path, context: ChunkContext
) -> Iterator[tuple[FetchedLine, GroupResult]]:
    by_task = {one.task.id: one for one in fetched}
    is_scored = partial(_is_scored, context.services.settings.batch_scored_share)
    workspace = Workspace(context.services, folder, context.watch, _LINE_LOG, is_scored=is_scored)
    options = GroupOptions(
        MAX_LINE_SECONDS,
        lambda task_id: not context.is_live(task_id),
        context.reserve,
        _find_earlier(folder, context),
    )
    for result in convert_group([GroupInput(one.task, one.path, one.sha256) for one in fetched], workspace, options):
        yield by_task[result.task.id], result


def _is_scored(share: float, task: Task) -> bool:
    return is_in_sample(task.id, share)


def _find_earlier(folder: Path, context: ChunkContext) -> FindEachEarlier:
    services = context.services
    if services.settings.reuse == "off":
        return nothing_earlier_of_each
    found = EarlierBytes(services, context.watch.stopped, context.files)
    conversions, project_id = services.records.conversions, context.chunk.project_id
    return EqualConversions(conversions, project_id, found, folder, context.recorded).find


def _not_converted(results: Sequence[tuple[FetchedLine, GroupResult]]) -> Iterator[LineOutcome]:
    for one, result in results:
        match result.result:
            case NeedsOwnRun():
                yield LineOutcome(one.task, "released")
            case MadeByAnother():
                yield LineOutcome(one.task, "busy")
            case errors.Cancelled() as cancelled:
                yield LineOutcome(one.task, "cancelled", cancelled)
            case errors.MediaError() as error:
                yield LineOutcome(one.task, "failed", error)


def _published(made: Sequence[tuple[FetchedLine, Made]], context: ChunkContext) -> list[ConvertedLine | LineOutcome]:
    """Publish the outputs, each noted in the records before, so that a later run finds it."""
    lines = [_line(one, output) for one, output in made]
    chunks = context.services.records.chunks
    live = context.recorded(lambda: chunks.record_publishing(context.lease, lines)) if lines else set()
    outputs = {one.task.id: output for one, output in made}
    return [_stored(line, outputs[line.task.id], context) for line in lines if line.task.id in live]


def _line(fetched: FetchedLine, made: Made) -> ConvertedLine:
    return ConvertedLine(fetched.task, output_file(made, new_file_id()), made.receipt, fetched.version)


def _stored(line: ConvertedLine, made: Made, context: ChunkContext) -> ConvertedLine | LineOutcome:
    store = OutputStore(context.services, context.watch.stopped, context.files)
    try:
        return replace(line, file=store.put(made, line.file))
    except errors.Cancelled:
        raise
    except errors.MediaError as error:
        return LineOutcome(line.task, "failed", error, "upload")


def _completed(lines: Sequence[ConvertedLine], context: ChunkContext) -> list[LineOutcome]:
    chunks = context.services.records.chunks
    try:
        completed = context.recorded(lambda: chunks.complete(context.lease, lines)) if lines else set()
    except errors.ReusedFileDeleted:
        return _completed_alone(lines, context)
    return [LineOutcome(line.task, "completed" if line.task.id in completed else "cancelled") for line in lines]


def _completed_alone(lines: Sequence[ConvertedLine], context: ChunkContext) -> list[LineOutcome]:
    """A line whose bytes were deleted while it reused them is tried again, the others are completed."""
    if len(lines) == 1:
        return [LineOutcome(lines[0].task, "busy")]
    return [outcome for line in lines for outcome in _completed([line], context)]
