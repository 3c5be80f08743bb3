"""Convert several small files together: probes, images and verifications share child processes.

Nothing is recorded here, and a file that fails costs itself alone.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from penstock import engines
from penstock.conversion.convert import Reserve, no_reservation
from penstock.conversion.planned_files import PlannedFile, convert_planned
from penstock.conversion.rendition import Workspace, not_recorded, original_of, plan_of
from penstock.conversion.reuse import FindEachEarlier, digest_of, nothing_earlier_of_each, reuse_of
from penstock.domain import errors
from penstock.domain.ids import TaskId
from penstock.domain.media import Media
from penstock.domain.planning.cost import estimate_cost
from penstock.domain.reuse import EarlierOutput, MadeByAnother
from penstock.domain.stages import Rendition, Reuse
from penstock.domain.task import Task
from penstock.sandbox.outcomes import attempt
from penstock.sandbox.supervise import Exit


@dataclass(frozen=True, slots=True)
class GroupInput:
    """A task, and its input on the local disk. `sha256` is that of its bytes, where it is known."""

    task: Task
    path: Path
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class NeedsOwnRun:
    """The conversion is estimated to take so many seconds of one processor, too long for a group. Nothing was done."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GroupResult:
    """What became of one task; `Cancelled` if `is_stopped` said so."""

    task: Task
    result: Rendition | Reuse | MadeByAnother | NeedsOwnRun | errors.MediaError


def _never_stopped(_task_id: TaskId) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """`max_seconds` is the longest conversion by its estimate.

    `is_stopped` says whether a task was cancelled; it is called five times a second while ffmpeg runs. `reserve` holds
    what the encoder of a plan needs while it runs: no image of the group needs anything. `find_earlier` is asked
    once for the whole group."""

    max_seconds: float
    is_stopped: Callable[[TaskId], bool] = _never_stopped
    reserve: Reserve = no_reservation
    find_earlier: FindEachEarlier = nothing_earlier_of_each


_Decided = PlannedFile | NeedsOwnRun | errors.MediaError


def convert_group(inputs: Sequence[GroupInput], workspace: Workspace, options: GroupOptions) -> Iterator[GroupResult]:
    """One result for each input, in any order, as soon as it is known.

    Each output is in a folder of the scratch folder that has the task's id as its name. Raises `Cancelled` once the
    watch of the workspace says so."""
    group = _Group(replace(workspace, record_plan=not_recorded), options)
    decided = group.decided(inputs)
    for each, one in zip(inputs, decided, strict=True):
        if isinstance(one, NeedsOwnRun | errors.MediaError):
            yield GroupResult(each.task, one)
    yield from group.results([one for one in decided if isinstance(one, PlannedFile)])


@dataclass(frozen=True, slots=True)
class _Group:
    workspace: Workspace
    options: GroupOptions

    def decided(self, inputs: Sequence[GroupInput]) -> list[_Decided]:
        """What each input needs, by its probe."""
        workspace = self.workspace
        media = engines.probe_each([each.path for each in inputs], workspace.tools, workspace.watch)
        return [attempt(partial(self._decide, each), probed) for each, probed in zip(inputs, media, strict=True)]

    def _decide(self, group_input: GroupInput, media: Media) -> _Decided:
        task, services = group_input.task, self.workspace.services
        if cancelled := self._stopped(task):
            return cancelled
        original = replace(original_of(task, group_input.path, media, services), sha256=group_input.sha256)
        plan = plan_of(original, services)
        seconds = estimate_cost(plan, media).seconds
        if seconds > self.options.max_seconds:
            return NeedsOwnRun(seconds)
        return PlannedFile(original, plan, self.workspace.scratch / task.id)

    def results(self, planned: Sequence[PlannedFile]) -> Iterator[GroupResult]:
        digests = {one.original.task.id: digest for one in planned if (digest := self._digest(one))}
        tasks = [one.original.task for one in planned]
        found = self.options.find_earlier([(task, digests[task.id]) for task in tasks if task.id in digests])
        for one in planned:
            if (earlier := found.get(one.original.task.id)) is not None:
                yield GroupResult(one.original.task, self._reused(one, earlier))
        unmade = [one for one in planned if one.original.task.id not in found]
        results = convert_planned(unmade, self.workspace, self._encoded_alone)
        for one, result in zip(unmade, results, strict=True):
            task = one.original.task
            made = replace(result, conversion=digests.get(task.id)) if isinstance(result, Rendition) else result
            yield GroupResult(task, self._stopped(task) or made)

    def _digest(self, planned: PlannedFile) -> str | None:
        original = planned.original
        return original.sha256 and digest_of(original.sha256, planned.plan, original.media, self.workspace.tools)

    def _reused(self, planned: PlannedFile, earlier: EarlierOutput | MadeByAnother) -> Reuse | MadeByAnother:
        if isinstance(earlier, MadeByAnother):
            return earlier
        return reuse_of(planned.original, planned.plan, earlier, self.workspace.tools)

    def _encoded_alone(self, file: PlannedFile) -> engines.CallOutcome[Path]:
        try:
            encoded = attempt(self._encode, file)
        except errors.Cancelled:
            if not (cancelled := self._stopped(file.original.task)):
                raise
            encoded = cancelled
        return engines.CallOutcome(encoded) if isinstance(encoded, errors.MediaError) else encoded

    def _encode(self, file: PlannedFile) -> engines.CallOutcome[Path]:
        is_stopped = partial(self.options.is_stopped, file.original.task.id)
        meter = engines.CpuMeter(_TaskWatch(self.workspace.watch, is_stopped))
        with self.options.reserve(file.plan):
            started = time.monotonic()
            path = engines.encode(file.plan, file.source, file.folder, self.workspace.tools, meter)
        return engines.CallOutcome(path, time.monotonic() - started, meter.cpu_seconds)

    def _stopped(self, task: Task) -> errors.Cancelled | None:
        return errors.Cancelled("The task was cancelled.") if self.options.is_stopped(task.id) else None


@dataclass(frozen=True, slots=True)
class _TaskWatch:
    """Stops with the group, and if its own task is stopped. The progress of one file is not that of the group."""

    group: engines.Watch
    is_stopped: Callable[[], bool]

    def progress(self, percent: int) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        return self.group.stopped() or self.is_stopped()

    def ended(self, ended: Exit) -> None:
        self.group.ended(ended)
