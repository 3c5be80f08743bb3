"""Make a Task of a request that came as a flow run's parameters."""

from prefect import task
from prefect.runtime import flow_run

from penstock.domain.ids import ProjectId
from penstock.domain.request import SourceRequest
from penstock.domain.signed import require_no_secret
from penstock.domain.task import Task
from penstock.services import current
from penstock.tasks import policy


@task(**policy.ACCEPT)
def accept(request: SourceRequest, project: str | None) -> Task:
    """The Task, ours to run if it is `processing`. Raises `FieldInvalid` for an address that carries a secret."""
    services = current()
    if request.url is not None:
        require_no_secret(request.url)
    owner = ProjectId(project) if project else services.records.keys.default_project()
    services.records.keys.require_project(owner)
    return services.records.tasks.adopt(owner, request, flow_run.id, services.queue)
