"""The steps that single conversions and groups share: plan, keep a smaller input, score, and write the receipt."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock import engines
from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.planning.cost import estimate_cost
from penstock.domain.planning.keep_original import plan_keeping_original
from penstock.domain.planning.plan import Cut, FramePlan, Plan, VideoPlan
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import cost_class, output_duration, plan_summary
from penstock.domain.receipt import Checks, InputFacts, Receipt, Score, StreamFacts, Work, drift_of
from penstock.domain.stages import Original, Rendition
from penstock.domain.task import Task
from penstock.services import Services

_LOG = logging.getLogger(__name__)
Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]
# Receives a task and the summary of its plan.
RecordPlan = Callable[[Task, dict[str, Any]], None]


def not_recorded(_task: Task, _summary: dict[str, Any]) -> None:
    """The plan is in the receipt as well."""


def every_task(_task: Task) -> bool:
    """Score every output."""
    return True


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a conversion works with: an empty scratch folder, a watch that receives its progress and can stop it, what
    records its plan, and which tasks have their outputs scored."""

    services: Services
    scratch: Path
    watch: engines.Watch
    log: Logger = _LOG
    record_plan: RecordPlan = not_recorded
    is_scored: Callable[[Task], bool] = every_task

    @property
    def tools(self) -> engines.Tools:
        return self.services.tools


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """An output that is as planned."""

    plan: Plan
    path: Path
    verified: engines.VerifiedOutput


def original_of(task: Task, path: Path, media: Media, services: Services) -> Original:
    """Raises `InputTooLarge`."""
    services.limits.require_fitting(media.kind, media.filesize)
    return Original(task, path, media, modified=path.stat().st_mtime_ns)


def require_unchanged(original: Original) -> None:
    """Raises `InputChanged` if the input was written to since it was probed: it may be a hard link of a file that
    another program writes."""
    if original.modified not in (None, original.path.stat().st_mtime_ns):
        raise errors.InputChanged("The input changed while it was converted.")


def plan_of(original: Original, services: Services) -> Plan:
    """Raises the errors of `plan_for`."""
    return plan_for(original.task.request, original.media, services.limits, services.allowed_pairs)


def record(plan: Plan, original: Original, workspace: Workspace) -> None:
    """Record and log the plan."""
    summary = plan_summary(plan)
    workspace.record_plan(original.task, summary)
    workspace.log.info("plan: %s", summary)


def plan_keeping_smaller(output: PlannedOutput, media: Media) -> Plan | None:
    """The plan that keeps the input, if that is smaller than the output and already what was requested."""
    if output.verified.facts.filesize <= media.filesize:
        return None
    return plan_keeping_original(output.plan, media)


def score_of(output: PlannedOutput, original: Original, workspace: Workspace) -> Score | None:
    """Compare a few frames of the output with the input; None if nothing is compared."""
    if not workspace.is_scored(original.task):
        return None
    settings = workspace.services.settings
    is_video = isinstance(output.plan, VideoPlan)
    frames = settings.receipt_frames if is_video else int(settings.receipt_stills)
    encoded = engines.MediaFile(output.path, output.verified.read_back.media)
    comparison = engines.Comparison(engines.MediaFile(original.path, original.media), encoded, frames)
    return engines.score(output.plan, comparison, workspace.tools, workspace.watch)


def rendition_of(
    output: PlannedOutput, original: Original, workspace: Workspace, spent: tuple[float, float], score: Score | None
) -> Rendition:
    """The output with its receipt. `spent` is the seconds of wall time and of CPU time. Raises `InputChanged`."""
    require_unchanged(original)
    source, facts = original.media, output.verified.facts
    work = _work_of(output.plan, source, workspace.tools, spent)
    receipt = _receipt_of(output.plan, source, output.verified, work, score)
    workspace.log.info("encoded %.2f MB of %s", facts.filesize / 1e6, facts.codecs or facts.format)
    media = output.verified.read_back.media
    return Rendition(original.task, output.path, output.plan, facts, media, receipt)


def _receipt_of(
    plan: Plan, source: Media, verified: engines.VerifiedOutput, work: Work, score: Score | None
) -> Receipt:
    checks = Checks(
        streams=_stream_facts(verified),
        expected_duration=output_duration(plan),
        drift=drift_of(source, verified.read_back.media, Cut() if isinstance(plan, FramePlan) else plan.cut),
        quality=score,
    )
    return Receipt(
        InputFacts(source.filesize), verified.facts, checks, work, cost_class(plan), estimate_cost(plan, source)
    )


def _work_of(plan: Plan, source: Media, tools: engines.Tools, spent: tuple[float, float]) -> Work:
    """`spent` is the seconds of wall time and of CPU time."""
    wall, cpu = (round(seconds, 3) for seconds in spent)
    return Work(
        plan_summary(plan), engines.public_command(plan, source, tools), engines.tool_versions(tools), wall, cpu
    )


def _stream_facts(verified: engines.VerifiedOutput) -> tuple[StreamFacts, ...]:
    media, decoded_frames = verified.read_back.media, verified.read_back.decoded_frames
    if media.image:
        return (StreamFacts(media.container, None, media.image.duration, media.image.frames),)
    return tuple(
        StreamFacts(stream.codec, stream.start, stream.duration, _decoded_frames(verified, stream.index))
        for stream in (media.video, media.audio)
        if stream and stream.index in decoded_frames
    )


def _decoded_frames(verified: engines.VerifiedOutput, index: int) -> int:
    return verified.read_back.decoded_frames[index].total
