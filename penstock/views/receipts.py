"""A receipt as its caller sees it."""

from typing import Literal

from pydantic import BaseModel, Field

from penstock.domain.access import derive_key
from penstock.domain.receipt import Checks, StoredReceipt, Work
from penstock.domain.task import FileFacts
from penstock.views.jws import sign
from penstock.views.resources import UtcTime


class ReceiptView(BaseModel):
    """What was made, how it was checked before it could be seen, and how it was made."""

    object: Literal["receipt"] = "receipt"
    task: str
    attempt: int
    project: str
    file: str
    made: UtcTime
    output: FileFacts
    checks: Checks
    work: Work


class SignedReceiptView(ReceiptView):
    signature: str = Field(
        description="compact JWS (HS256, the project's key for receipts) whose payload is all the rest"
    )


def signed_receipt(filed: StoredReceipt, secret: str) -> SignedReceiptView:
    """The receipt with its signature, by the key for receipts of this project's secret."""
    view = ReceiptView(
        task=filed.task_id,
        attempt=filed.attempt,
        project=filed.project_id,
        file=filed.file_id,
        made=filed.made,
        **{name: filed.body[name] for name in ("output", "checks", "work")},
    )
    shown = view.model_dump(mode="json")
    return SignedReceiptView(**shown, signature=sign(shown, derive_key("receipts", secret)))
