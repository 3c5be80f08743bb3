"""Decide, encode under a slot, and read the result back."""

import time

from prefect import get_run_logger, task

from penstock import engines
from penstock.domain.plan import Plan, needs_slot, summary
from penstock.domain.planning import plan_for
from penstock.domain.receipt import Score
from penstock.domain.stages import Original, Rendition
from penstock.orchestration.attempt import Attempt
from penstock.orchestration.progress import progress_in_the_ui
from penstock.orchestration.slots import a_free_hand, transcode_slot
from penstock.receipts import receipt_of, work_of
from penstock.services import current
from tasks import policy


@task(**policy.TRANSCODE)
def transcode(original: Original, attempt: Attempt) -> Rendition:
    with attempt.stage("transcode", policy.DEADLINES["transcode"]):
        services = current()
        plan = plan_for(original.task.request, original.media, services.limits, services.lifted)
        services.records.tasks.planned(attempt.task_id, attempt.number, summary(plan))
        get_run_logger().info("plan: %s", summary(plan))
        hold = transcode_slot if needs_slot(plan) else a_free_hand
        source = engines.Source(original.path, original.media)
        with hold(attempt), progress_in_the_ui(attempt, original.task):
            began, spent = time.monotonic(), attempt.cpu_seconds
            path = engines.encode(plan, source, attempt.room, services.tools, attempt)
        made = engines.verify(path, plan, original.media, services.tools, attempt)
        get_run_logger().info("made %.2f MB of %s", made.facts.filesize / 1e6, made.facts.codecs or made.facts.format)
        took = (time.monotonic() - began, attempt.cpu_seconds - spent)
        pair = engines.Comparison(source, engines.Source(path, made.reread.media), services.settings.receipt_frames)
        score = _likeness(plan, pair, attempt)
        receipt = receipt_of(plan, source.media, made, work_of(plan, source.media, services.tools, took), score)
        return Rendition(original.task, path, plan, made.facts, made.reread.media, receipt)


def _likeness(plan: Plan, pair: engines.Comparison, attempt: Attempt) -> Score | None:
    """Scoring decodes and compares as hard as an encoder works, so it has a slot like one."""
    if not pair.frames or not engines.can_score(plan, pair.source.media):
        return None
    with transcode_slot(attempt):
        return engines.score(plan, pair, current().tools, attempt)
