"""The run of a chunk: its lease, its heartbeat, and the threads that convert its lines."""

import logging
import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache, partial

from penstock.batches.chunk_work import ChunkContext, convert_lines
from penstock.batches.lines_in_work import LinesInWork
from penstock.conversion.line_files import LineFiles
from penstock.domain import errors
from penstock.domain.batch.batch import Chunk
from penstock.domain.batch.workload import QueueKind
from penstock.domain.ids import ChunkId, TaskId
from penstock.domain.planning.plan import Plan, needs_slot
from penstock.domain.task import TaskError
from penstock.host.scratch import scratch_folder
from penstock.orchestration.run.encoder_slots import SlotHolder, process_encoder_slots
from penstock.orchestration.run.heartbeat import Heartbeat, RunProgress
from penstock.orchestration.run.lease import RunWatch
from penstock.orchestration.run.lifecycle import new_owner
from penstock.orchestration.run.stop_signal import StopSignal
from penstock.records.batches.chunk_records import ChunkLease
from penstock.services import Services

log = logging.getLogger(__name__)


class LiveTasks:
    """Which tasks of a chunk are still to be converted; the heartbeat learns it once a second. Thread-safe."""

    def __init__(self, tasks: frozenset[TaskId]) -> None:
        self._tasks = tasks

    def replace(self, tasks: set[TaskId]) -> None:
        self._tasks = frozenset(tasks)

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._tasks


@dataclass(frozen=True, slots=True)
class ChunkRun:
    """A chunk that this run has taken. `draining` is set when the worker takes no new work."""

    context: ChunkContext
    stop: StopSignal
    draining: threading.Event


@contextmanager
def open_chunk(chunk_id: ChunkId, attempt: int, run_id: str, services: Services) -> Iterator[ChunkRun]:
    """Take the chunk. What is unfinished when the block ends goes to another run of it."""
    owner, stop, draining = new_owner(), StopSignal(), threading.Event()
    services = replace(services, tools=services.tools.in_background())
    chunk = services.records.chunks.begin(chunk_id, attempt, owner, run_id)
    lease, live = (chunk_id, attempt, owner), LiveTasks(frozenset(task.id for task in chunk.lines))
    heartbeat = Heartbeat(partial(_beat, services, lease, live), stop)
    with (
        scratch_folder(services.settings.scratch, chunk_id) as scratch,
        services.live.tracking(partial(stop.stop, "given_back")),
        services.resumable.tracking(draining.set),
        heartbeat.running(f"heartbeat-{chunk_id}"),
    ):
        heartbeat.set_deadline(math.inf)
        heartbeat.begin()
        context = ChunkContext(
            services=services,
            chunk=chunk,
            lease=lease,
            files=LineFiles(services.records.batches.get_by_id(chunk.batch_id), services),
            scratch=scratch,
            watch=RunWatch(stop, RunProgress(), services.counts),
            reserve=_reserve(chunk, lease, stop, services),
            is_live=live.__contains__,
            takes_no_more=lambda: draining.is_set() or stop.is_set(),
            wait=stop.wait,
        )
        try:
            yield ChunkRun(context, stop, draining)
        except BaseException as error:
            _close(context, stop, error)
            raise
        _close(context, stop)


def convert_chunk_lines(run: ChunkRun) -> LinesInWork:
    """Convert the lines with all places of this process; returns what became of them."""
    lines = LinesInWork(run.context.chunk.lines, _threads(run))
    with ThreadPoolExecutor(_threads(run), thread_name_prefix=run.context.chunk.id) as pool:
        working = [pool.submit(_work, lines, run) for _ in range(_threads(run))]
    for thread in working:
        thread.result()
    return lines


def _threads(run: ChunkRun) -> int:
    settings = run.context.services.settings
    places: dict[QueueKind, int] = {"image": settings.image_slots, "media": settings.worker_slots}
    return min(places[run.context.chunk.queue], os.cpu_count() or 1)


def _work(lines: LinesInWork, run: ChunkRun) -> None:
    """The work of one thread; an error of one thread ends the others."""
    try:
        with _place(run):
            convert_lines(lines, run.context)
    except BaseException:
        run.draining.set()
        raise


@contextmanager
def _place(run: ChunkRun) -> Iterator[None]:
    """One of the process's places, and for videos and sounds an encoder slot for as long as there are lines."""
    context = run.context
    with ExitStack() as held:
        held.enter_context(_held_place(run))
        if context.chunk.queue == "media":
            held.enter_context(_slot(context.lease, run.stop, context.services))
        yield


@contextmanager
def _held_place(run: ChunkRun) -> Iterator[None]:
    """Two chunks of one process share its places: the second begins while the first one ends."""
    places = process_places(run.context.chunk.queue, _threads(run))
    while not places.acquire(timeout=0.2):
        run.stop.require_unset()
    try:
        yield
    finally:
        places.release()


@cache
def process_places(queue: QueueKind, count: int) -> threading.BoundedSemaphore:  # noqa: ARG001 - one for each kind
    """The places of this process for lines of chunks."""
    return threading.BoundedSemaphore(count)


def _beat(services: Services, lease: ChunkLease, live: LiveTasks, *_progress: object) -> bool:
    is_cancelled, tasks = services.records.chunks.heartbeat(lease)
    live.replace(tasks)
    return is_cancelled


def _reserve(
    chunk: Chunk, lease: ChunkLease, stop: StopSignal, services: Services
) -> Callable[[Plan], AbstractContextManager[None]]:
    """What the encoder of a plan holds. The threads of a chunk of sounds hold a slot already."""

    def reserve(plan: Plan) -> AbstractContextManager[None]:
        is_held = chunk.queue == "media" or not needs_slot(plan)
        return nullcontext() if is_held else _slot(lease, stop, services)

    return reserve


@contextmanager
def _slot(lease: ChunkLease, stop: StopSignal, services: Services) -> Iterator[None]:
    slots = process_encoder_slots(services.records)
    holder = SlotHolder(stop, _SlotNote(lease, services).replace)
    with slots.holding(holder, slots.acquire(holder)):
        yield


class _SlotNote:
    """The note of one slot among those of the chunk."""

    def __init__(self, lease: ChunkLease, services: Services) -> None:
        self._lease, self._services = lease, services
        self._noted: str | None = None

    def replace(self, slot: str | None) -> None:
        self._services.records.chunks.record_slot(self._lease, self._noted, slot)
        self._noted = slot


def _close(context: ChunkContext, stop: StopSignal, error: BaseException | None = None) -> None:
    """End the chunk, or leave its rest to another run. While the database is unavailable the reconciler does it."""
    chunks = context.services.records.chunks
    try:
        if stop.reason == "cancelled":
            _cancel_lines(context)
        if error is not None and stop.reason is None:
            log.error("%s failed: %s %s", context.chunk.id, type(error).__name__, getattr(error, "detail", ""))
            chunks.retry_failed(context.lease, context.services.settings.attempts)
        else:
            chunks.end(context.lease)
    except errors.Superseded:
        log.info("%s was taken by another run", context.chunk.id)
    except errors.DatabaseUnavailable:
        log.warning("the end of %s is not recorded yet", context.chunk.id)


def _cancel_lines(context: ChunkContext) -> None:
    cancelled = TaskError(errors.Cancelled.code, "The batch was cancelled.")
    context.services.records.chunks.fail(context.lease, [(task.id, cancelled) for task in context.chunk.lines])
