"""Decide, encode under a slot, and read the result back."""

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from prefect import get_run_logger, task

from penstock import engines
from penstock.domain import errors
from penstock.domain.planning.keep_original import plan_keeping_original
from penstock.domain.planning.plan import Plan, VideoPlan, needs_slot
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.steps import summary
from penstock.domain.receipt import Score
from penstock.domain.stages import Original, Rendition
from penstock.orchestration.run.attempt import Attempt
from penstock.orchestration.run.encoder_slots import encoder_slots
from penstock.orchestration.run.exclusive import neighbours
from penstock.orchestration.run.progress_artifact import progress_in_the_ui
from penstock.receipts import receipt_of, work_of
from penstock.services import current
from penstock.settings import Settings
from penstock.tasks import policy


@dataclass(frozen=True, slots=True)
class _Made:
    plan: Plan
    path: Path
    verified: engines.VerifiedOutput


@task(**policy.TRANSCODE)
def transcode(original: Original, attempt: Attempt) -> Rendition:
    with attempt.stage("transcode", policy.DEADLINES["transcode"]):
        services = current()
        plan = plan_for(original.task.request, original.media, services.limits, services.allowed_pairs)
        source = engines.MediaFile(original.path, original.media)
        _tell(plan, attempt)
        with _slot(plan, attempt), _neighbours(attempt), progress_in_the_ui(attempt, original.task):
            began, spent = time.monotonic(), attempt.cpu_seconds
            path = engines.encode(plan, source, attempt.room, services.tools, attempt)
        made = _or_the_input(_verified(plan, path, source, attempt), source, attempt)
        took = (time.monotonic() - began, attempt.cpu_seconds - spent)
        score = _likeness(made, source, attempt)
        work = work_of(made.plan, source.media, services.tools, took)
        receipt = receipt_of(made.plan, source.media, made.verified, work, score)
        facts, media = made.verified.facts, made.verified.read_back.media
        get_run_logger().info("made %.2f MB of %s", facts.filesize / 1e6, facts.codecs or facts.format)
        return Rendition(original.task, made.path, made.plan, facts, media, receipt)


def _slot(plan: Plan, attempt: Attempt) -> AbstractContextManager[None]:
    """A slot for what encodes; none for what costs less than asking for one."""
    return encoder_slots().held(attempt) if needs_slot(plan) else nullcontext()


def _neighbours(attempt: Attempt) -> AbstractContextManager[None]:
    """Beside others; alone once the machine was too small for this run and its neighbours."""
    here = neighbours()
    return here.by_itself(attempt) if attempt.was_short else here.shared(attempt)


def _tell(plan: Plan, attempt: Attempt) -> None:
    current().records.tasks.record_plan(attempt.task_id, attempt.number, summary(plan))
    get_run_logger().info("plan: %s", summary(plan))


def _verified(plan: Plan, path: Path, source: engines.MediaFile, attempt: Attempt) -> _Made:
    return _Made(plan, path, engines.verify(path, plan, source.media, current().tools, attempt))


def _or_the_input(made: _Made, source: engines.MediaFile, attempt: Attempt) -> _Made:
    """What was made; or where it is larger than an input that is what was asked for, the input."""
    instead = (
        plan_keeping_original(made.plan, source.media) if made.verified.facts.filesize > source.media.filesize else None
    )
    if instead is None:
        return made
    room = attempt.room / "kept"
    room.mkdir(exist_ok=True)
    try:
        lighter = _verified(instead, engines.encode(instead, source, room, current().tools, attempt), source, attempt)
    except (errors.InputError, errors.EngineError) as refused:
        get_run_logger().info("the input cannot stay as it is: %s", refused.code)
        return made
    _tell(instead, attempt)
    return lighter


def _likeness(made: _Made, source: engines.MediaFile, attempt: Attempt) -> Score | None:
    """A few frames, compared beside the encoders: to wait for a slot again could take longer than encoding did."""
    services = current()
    frames = _looked_at(made.plan, services.settings)
    pair = engines.Comparison(source, engines.MediaFile(made.path, made.verified.read_back.media), frames)
    return engines.score(made.plan, pair, services.tools, attempt)


def _looked_at(plan: Plan, settings: Settings) -> int:
    return settings.receipt_frames if isinstance(plan, VideoPlan) else int(settings.receipt_stills)
