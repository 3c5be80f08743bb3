"""How a run ended that could not say so itself: Prefect was away, and the records know."""

from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from penstock.domain.task import Status
from penstock.records import Records

_MESSAGE = "Told late: Prefect was away when it ended."
_ENDINGS: dict[Status, Any] = {"completed": Completed, "failed": Failed, "cancelled": Cancelled}


def recorded_end(run_id: UUID, records: Records) -> State[Any] | None:
    """The end of the run's task in Prefect's words; None where the task is nobody's, or goes on."""
    known = records.tasks.of_run(str(run_id))
    ending = _ENDINGS.get(records.tasks.read(known[0]).status) if known else None
    return ending(message=_MESSAGE) if ending else None
