"""A cancelled run ends as Cancelled in Prefect too, whoever asked for it and whichever worker ran it."""

from typing import Any

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled as CancelledState

from penstock.domain.errors import Cancelled


def settle_cancellation(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - a hook's words
    """A hook of the flow: force the final state where the engine left `Cancelling`, or `Failed` by our own error."""
    if state.is_cancelling() or isinstance(state.result(raise_on_failure=False), Cancelled):
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(flow_run.id, CancelledState(message="The task was cancelled."), force=True)
