"""Make a Task of a request that came as a flow run's parameters."""

from typing import Any

from prefect import get_run_logger, task
from prefect.runtime import flow_run

from penstock.domain.ids import ProjectId
from penstock.domain.request_form import parse_parameter
from penstock.domain.stages import RequestedTask
from penstock.domain.task import Task
from penstock.services import Services, current
from penstock.storage.input_versions import is_unchanged
from penstock.tasks import policy


@task(**policy.ACCEPT)
def accept(request: Any, project: str | None) -> RequestedTask:
    """The Task of a request, whose next attempt is this run's, or why there is none: it goes on elsewhere, or is
    completed and its input is the same as then. Raises the request's `RequestError`, and what asking its origin
    does."""
    services = current()
    asked = parse_parameter(request)
    owner = ProjectId(project) if project else services.records.keys.default_project()
    services.records.keys.require_project(owner)
    if _has_changed(services.records.tasks.find_current(owner, asked), services):
        asked = asked.model_copy(update={"fresh": True})
    return _adopted(services.records.tasks.submit_for_run(owner, asked, flow_run.id, services.queue))


def _has_changed(known: Task | None, services: Services) -> bool:
    """Whether a completed task was made of another input than there is now. What was never noted is another."""
    if known is None or known.status != "completed" or known.request.url is None:
        return False
    version = known.input_version
    return version is None or not is_unchanged(known.request.url, version, services.fetch_policy)


def _adopted(task: Task) -> RequestedTask:
    skip_reason = _skip_reason(task)
    if skip_reason is not None:
        get_run_logger().info(skip_reason)
    return RequestedTask(task, skip_reason)


def _skip_reason(task: Task) -> str | None:
    if task.status == "processing":
        return None if task.run_id == flow_run.id else f"{task.id} is being made by another run."
    made = task.output.created if task.output else task.updated
    return f"unchanged since {made:%Y-%m-%dT%H:%M:%SZ}: {task.id}"
