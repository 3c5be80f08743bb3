"""Make the Task of a request that came as a flow run's parameters."""

from typing import Any

from prefect import get_run_logger
from prefect.runtime import flow_run

from penstock.conversion.located_requests import request_now, require_request_allowed
from penstock.domain.ids import ProjectId
from penstock.domain.stages import RequestedTask
from penstock.domain.task import Task
from penstock.orchestration.run_states import name_run
from penstock.services import Services
from penstock.tasks import policy
from penstock.tasks.secret_address import parse_parameter_with_secret
from penstock.tasks.stage import stage


@stage(policy.ACCEPT)
def accept(request: Any, project: str | None, services: Services) -> RequestedTask:
    """The request's Task with an attempt for this run; or the reason to skip it: another run makes it, or it is
    completed and its input has not changed. Raises `RequestError`, and what asking for input and output raises."""
    records = services.records
    parsed = parse_parameter_with_secret(request)
    owner = ProjectId(project) if project else records.keys.default_project()
    records.keys.require_project(owner)
    require_request_allowed(parsed, services.settings.batch_roots)
    wanted = request_now(parsed, owner, services)
    adopted = records.tasks.submit_for_run(owner, wanted, flow_run.id, services.queue_limits)
    name_run(adopted)
    skip_reason = _skip_reason(adopted, flow_run.id)
    if skip_reason is not None:
        get_run_logger().info(skip_reason)
    return RequestedTask(adopted, skip_reason)


def _skip_reason(adopted: Task, run_id: str) -> str | None:
    if adopted.status == "processing":
        return None if adopted.run_id == run_id else f"{adopted.id} is being converted by another run."
    completed = adopted.output.created if adopted.output else adopted.updated
    return f"unchanged since {completed:%Y-%m-%dT%H:%M:%SZ}: {adopted.id}"
