"""What the Prefect UI shows of the present stage beside its percentage: its name with facts, and that it waits."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.context import TaskRunContext
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from prefect.states import Running
from prefect.utilities.engine import emit_task_run_state_change_event

from penstock.domain.planning.plan import Plan
from penstock.domain.planning.steps import steps_of
from penstock.orchestration.run.lease import Run
from penstock.orchestration.run.waiting import only_waiting

log = logging.getLogger(__name__)

AWAITING_SLOT = "AwaitingEncoderSlot"


def name_stage(plan: Plan) -> None:
    """`transcode · encode h264 640x360, copy aac`. Prefect's event of the stage's next state carries the name."""
    context = TaskRunContext.get()
    if context is not None:
        context.task_run.name = f"{context.task.name} · {', '.join(step.result for step in steps_of(plan))}"


@contextmanager
def shown_waiting(run: Run) -> Iterator[Callable[[], None]]:
    """Yields what shows that the run waits for an encoder slot, and lets it only wait, until the block ends."""
    with ExitStack() as waiting:
        shown: list[str] = []

        def show() -> None:
            if not shown:
                shown.append(AWAITING_SLOT)
                waiting.enter_context(only_waiting(run))
                run.stages.progress.set_activity("waiting for an encoder slot")
                waiting.callback(_set_states, "Running")
                _set_states(AWAITING_SLOT)

        yield show


def _set_states(name: str) -> None:
    """Rename the running state of run and stage. Not forced: a run that is being cancelled stays so."""
    context = TaskRunContext.get()
    if context is None:
        return
    emit_task_run_state_change_event(context.task_run, context.task_run.state, Running(name=name))
    try:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(UUID(flow_run.id), Running(name=name))
    except (httpx.HTTPError, ObjectNotFound) as error:
        log.info("the state of the run was not renamed: %s", type(error).__name__)
