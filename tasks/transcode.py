"""Plan, encode, verify and score; or reuse the output of an equal conversion."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

from prefect import get_run_logger

from penstock.conversion.convert import convert_original
from penstock.conversion.reuse import FindEarlier, nothing_earlier
from penstock.domain.formats import Kind
from penstock.domain.planning.plan import Plan, needs_slot
from penstock.domain.reuse import EarlierOutput, KeptOutput
from penstock.domain.stages import Original, Rendition, Reuse
from penstock.domain.task import Task
from penstock.orchestration.run.conversion_claim import earlier_output
from penstock.orchestration.run.encoder_slots import process_encoder_slots
from penstock.orchestration.run.heartbeat import RunProgress
from penstock.orchestration.run.lease import Run
from penstock.orchestration.run.prefect_artifacts import artifact_key, progress_artifact
from penstock.orchestration.run.shown_stage import name_stage
from penstock.orchestration.run.transcode_lock import process_transcode_lock
from penstock.tasks import policy
from penstock.tasks.stage import stage

T = TypeVar("T")


@stage(policy.TRANSCODE)
def transcode(original: Original, run: Run) -> Rendition | Reuse:
    media, key = original.media, artifact_key("progress", run.lease.task_id)
    shown = progress_artifact(run.stages.progress, original.task.shown_input, key, media.duration)
    with run.stages.stage("transcode", policy.DEADLINES["transcode"]), shown:
        reserve, find_earlier = partial(_reserved, run), _find_earlier(run, original.task)
        call_part = partial(_call_part, run.stages.progress, PARTS[original.task.request.kind])
        made = convert_original(original, run.workspace(get_run_logger()), reserve, find_earlier, call_part)
        if isinstance(made, Rendition):
            run.kept_outputs.keep(made)
        return made


@stage(policy.VERIFY)
def verify(part: Callable[[], Any]) -> Any:
    return part()


@stage(policy.SCORE)
def score(part: Callable[[], Any]) -> Any:
    return part()


PART_STAGES = {"verify": (verify, "verifying"), "score": (score, "scoring")}
# Each stage costs Prefect's server about 30 ms of processor time, as much as some images take.
PARTS: dict[Kind, tuple[str, ...]] = {"video": ("verify", "score"), "audio": ("verify",), "image": ()}


def _call_part(progress: RunProgress, parts: tuple[str, ...], name: str, part: Callable[[], T]) -> T:
    """As a stage of its own, if it is one of `parts`."""
    part_stage, activity = PART_STAGES[name]
    progress.set_activity(activity)
    if name not in parts:
        return part()
    made: T = part_stage(part)
    return made


def _find_earlier(run: Run, converted: Task) -> FindEarlier:
    """That of an earlier attempt of this task, else of an equal one."""
    is_on = run.services.settings.reuse == "on"
    find_equal = partial(earlier_output, run, converted) if is_on else nothing_earlier

    def find(digest: str) -> EarlierOutput | KeptOutput | None:
        return run.kept_outputs.find(converted.id, digest, run.scratch / "resumed") or find_equal(digest)

    return find


@contextmanager
def _reserved(run: Run, plan: Plan) -> Iterator[None]:
    """What the encoder holds: a slot where the plan needs one, and the machine, which it shares unless the last try
    failed because the machine was short of memory."""
    lock, progress = process_transcode_lock(), run.stages.progress
    name_stage(plan)
    with ExitStack() as held:
        if needs_slot(plan):
            held.enter_context(process_encoder_slots(run.services.records).hold(run))
        held.enter_context(lock.exclusive(run) if run.stages.was_short_of_resources else lock.shared(run))
        progress.set_activity("encoding")
        yield
