"""What a flow run answers its caller: the Task as JSON, inside the run's last state.

Prefect would write a result to a file, which callers on other machines could not read. A state of its API holds any
JSON, though, and `state.result()` answers just that: whoever reaches Prefect reads it, and no file is left."""

from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.results import ResultRecord  # type: ignore[attr-defined] # where Prefect's own modules take it from
from prefect.states import Completed, Failed
from prefect.utilities.urls import url_for
from pydantic import RootModel

from penstock.domain import errors
from penstock.domain.request_form import redacted
from penstock.domain.secret_urls import HIDDEN, is_safe_to_show
from penstock.domain.task import Task
from penstock.views.resources import ViewBuilder


def completed(task: Task, message: str | None = None) -> State[dict[str, Any]]:
    """The end of a run whose caller gets this Task."""
    # Prefect's client sends the metadata of a persisted record: here that is the answer itself. As a model, for a dict
    # would be read as a record's true metadata, every field of which may be missing.
    shown = task_shown(task)
    answer: Any = RootModel[dict[str, Any]](shown)
    record: ResultRecord[dict[str, Any]] = ResultRecord.model_construct(metadata=answer, result=shown)
    record.mark_persisted()
    return Completed(message=message, data=record)


def forget_secrets(run_id: str, parameters: dict[str, Any]) -> None:
    """Hide in Prefect what a refused run brought along and everybody could read there."""
    if (shown := redacted(parameters)) == parameters:
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(run_id), parameters=shown)


def failed(refusal: errors.MediaError) -> State[None]:
    """The end of a run that was refused: its caller's `state.result()` raises the sentence."""
    return Failed(message=sentence_of(refusal))


def sentence_of(refusal: errors.MediaError) -> str:
    """All that is wrong, each by its code."""
    found = refusal.violations if isinstance(refusal, errors.InvalidRequest) else (refusal,)
    return " ".join(f"{each.code}: {each.message}" for each in found)


def task_shown(task: Task) -> dict[str, Any]:
    """The contract's Task, for eyes that may see Prefect: no link, and no address that could be a secret."""
    view = ViewBuilder("", "", 0, _page_of).task_view(task)
    output = view.output and view.output.model_copy(update={"url": None})
    told = view.input if task.request.url is None or is_safe_to_show(task.request.url) else HIDDEN
    return view.model_copy(update={"output": output, "input": told}).model_dump(mode="json")


def _page_of(run_id: str) -> str:
    return url_for("flow-run", obj_id=run_id) or ""
