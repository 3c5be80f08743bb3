"""How a run ended that could not say so itself: Prefect was away, and the records know."""

from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Failed

from penstock.domain.task import Status
from penstock.orchestration.run_states import completed
from penstock.records import Records

_MESSAGE = "Told late: Prefect was away, or the worker died, when it ended."
_ENDINGS: dict[Status, Any] = {"failed": Failed, "cancelled": Cancelled}


def recorded_end(run_id: UUID, records: Records) -> State[Any] | None:
    """The end of the run's task in Prefect's words; None where the task is nobody's, or goes on."""
    known = records.tasks.find_by_run(str(run_id))
    task = records.tasks.get_by_id(known[0]) if known else None
    if task is not None and task.status == "completed":
        return completed(task, _MESSAGE)
    ending = _ENDINGS.get(task.status) if task else None
    return ending(message=_MESSAGE) if ending else None
