"""Many conversions as one job: list the inputs → plan → convert → report. Its chunks are runs of their own."""

from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run

from penstock.batches.batch_form import BatchForm
from penstock.domain import errors
from penstock.domain.ids import BatchId, ChunkId
from penstock.orchestration.batch.batch_run import Replaced, open_batch
from penstock.orchestration.batch.chunk_run import convert_chunk_lines, open_chunk
from penstock.orchestration.run_states import (
    batch_state,
    done_state,
    end_as_cancelled,
    ended_state,
    tag_failure,
    untag_failure,
)
from penstock.services import current_services
from penstock.tasks.batch.accept import accept_batch
from penstock.tasks.batch.convert_lines import convert_lines
from penstock.tasks.batch.list_inputs import list_inputs
from penstock.tasks.batch.plan_lines import plan_lines
from penstock.tasks.batch.report import report

REPLACED = "stopped: another run goes on with this batch"
STILL_RUNNING = "skipped: the last run of this batch has not ended"


@flow(
    name="convert-batch",
    flow_run_name="convert a batch",
    description="Converts the files of a folder or prefix, or the lines of a manifest: for schedules and other flows.",
    on_running=[untag_failure],
    on_failure=[tag_failure],
    on_cancellation=[end_as_cancelled],
    persist_result=False,
)
def convert_batch(batch: BatchForm, project: str | None = None) -> State[Any]:
    """Skipped if the last run of the same batch has not ended: Prefect has no such rule for schedules."""
    try:
        accepted = accept_batch(batch, project, current_services())
    except errors.MediaError as error:
        return ended_state(error)
    return done_state(STILL_RUNNING) if accepted is None else run_attempt(accepted.id, accepted.attempt)


@flow(
    name="run-batch",
    description="Runs one attempt of a Batch. The API and the command line start it. Its parameters are ids alone.",
    on_running=[untag_failure],
    on_failure=[tag_failure],
    on_cancellation=[end_as_cancelled],
    persist_result=False,
)
def run_batch(batch_id: BatchId, attempt: int = 1) -> State[Any]:
    """The message of its state says what became of the lines; `state.result()` returns the id of the batch."""
    return run_attempt(batch_id, attempt)


@flow(
    name="convert-chunk",
    description="Converts some lines of a Batch in this worker. Started by the batch's own run.",
    on_failure=[tag_failure],
    on_cancellation=[end_as_cancelled],
    persist_result=False,
)
def convert_chunk(chunk_id: ChunkId, attempt: int = 1) -> State[Any]:
    """What is unfinished at the end goes to another run of the chunk."""
    try:
        with open_chunk(chunk_id, attempt, flow_run.id, current_services()) as chunk:
            outcomes = convert_chunk_lines(chunk)
    except errors.MediaError as error:
        return ended_state(error)
    return done_state(outcomes.sentence)


def run_attempt(batch_id: BatchId, attempt: int) -> State[Any]:
    try:
        with open_batch(batch_id, attempt, flow_run.id, current_services()) as run:
            list_inputs(run)
            plan_lines(run)
            status = convert_lines(run)
            sentence = report(status, run)
    except Replaced:
        return done_state(REPLACED)
    except errors.MediaError as error:
        return ended_state(error)
    return done_state(sentence, is_cancelled=True) if status == "cancelled" else batch_state(batch_id, sentence)
