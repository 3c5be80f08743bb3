"""Makes the batch of a flow run's parameters."""

from typing import Any

from penstock.batches.batch_form import parse_form
from penstock.batches.line_requests import check_defaults
from penstock.conversion.line_files import require_allowed
from penstock.domain.batch.batch import Batch, BatchOrder
from penstock.domain.ids import ProjectId
from penstock.services import Services


def accepted_batch(parameters: Any, project: str | None, run_id: str, services: Services) -> Batch | None:
    """The batch, with an attempt for this run; None if its last run has not ended. Raises `RequestError`."""
    spec, options = parse_form(parameters)
    owner = ProjectId(project) if project else services.records.keys.default_project()
    services.records.keys.require_project(owner)
    check_defaults(spec.defaults)
    require_allowed(spec, services, trusted=False)
    batch = services.records.batches.submit(owner, BatchOrder(spec, options, run_id=run_id))
    return batch if batch.run_id == run_id else None
