"""`/tasks/{id}/receipt`: what was verified, signed."""

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from penstock.api.context import context_of, require_caller
from penstock.api.envelope import Envelope, object_response
from penstock.domain.ids import ProjectId
from penstock.domain.receipt import StoredReceipt
from penstock.records import Records
from penstock.views.receipts import SignedReceiptView, signed_receipt

router = APIRouter(tags=["tasks"])

ONE: dict[int | str, dict[str, Any]] = {200: {"model": Envelope[SignedReceiptView]}}


@router.get("/tasks/{task_id}/receipt", responses=ONE, summary="Read a receipt")
async def read_receipt(request: Request, task_id: str) -> Response:
    """How the output of a completed task was made and checked, signed with the project's key for receipts."""
    records, caller = context_of(request).services.records, require_caller(request)
    filed = await to_thread.run_sync(_filed, records, caller.project_id, task_id)
    here = f"/tasks/{filed.task_id}"
    return object_response(request, signed_receipt(filed, caller.secret), f"{here}/receipt", here)


def _filed(records: Records, project_id: ProjectId, task_id: str) -> StoredReceipt:
    return records.receipts.get_for_task(project_id, records.tasks.get(project_id, task_id).id)
